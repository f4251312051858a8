"""The conformance kit: checks that a component keeps the promises of its interface.

For authors of plugins. Each check takes a spec, raises AssertionError with one sentence about the first promise
that is broken, and returns nothing:

    from ganforge.testing import check_block

    def test_squeeze_excite_is_a_block():
        check_block(SqueezeExcite(ratio=4))

The checks build small modules on the CPU and take a few milliseconds each.
"""

from ganforge.testing.blocks import check_block
from ganforge.testing.data import check_dataset, check_sampler
from ganforge.testing.evaluation import check_evaluator
from ganforge.testing.extractors import check_extractor
from ganforge.testing.feature_networks import check_feature_network
from ganforge.testing.labels import check_depth, check_injection
from ganforge.testing.networks import check_initialisation, check_mapping
from ganforge.testing.optimisation import check_optimizer, check_rate
from ganforge.testing.sources import check_keymap, check_source
from ganforge.testing.specs import check_spec
from ganforge.testing.trackers import check_tracker
from ganforge.testing.training import check_augmentation, check_logit_penalty, check_loss, check_regulariser

__all__ = [
    "check_augmentation",
    "check_block",
    "check_dataset",
    "check_depth",
    "check_evaluator",
    "check_extractor",
    "check_feature_network",
    "check_initialisation",
    "check_injection",
    "check_keymap",
    "check_logit_penalty",
    "check_loss",
    "check_mapping",
    "check_optimizer",
    "check_rate",
    "check_regulariser",
    "check_sampler",
    "check_source",
    "check_spec",
    "check_tracker",
]
