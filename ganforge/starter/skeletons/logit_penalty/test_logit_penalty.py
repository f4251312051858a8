from ganforge.testing import check_logit_penalty

from mylab_plugin.logit_penalty import Drift


def test_drift_is_a_penalty_on_logits() -> None:
    check_logit_penalty(Drift())
