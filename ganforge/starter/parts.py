"""What of the best recipe comes with plugins, and whether it is here: looked up by name, as recipes do."""

from __future__ import annotations

from dataclasses import dataclass

from ganforge.errors import GanforgeError
from ganforge.registry import Components

SOURCE, FEATURES, EXTRACTOR = "flowers_64", "efficientnet_lite0", "efficientnet_lite2"
#: Evaluators of any generator, and of one that takes labels.
EVALUATORS, OF_LABELS = ("kd", "fd", "prdc", "memorisation"), ("label_agreement", "downstream")


@dataclass(frozen=True)
class Parts:
    """Which of the parts that plugins bring are installed and at hand."""

    source: bool
    features: bool
    evaluators: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Sentences about what the recipe has to do without, and how to get it."""
        found = []
        if not self.source:
            found.append("without the package ganforge-flowers the training starts from nothing, and takes far longer.")
        if not self.features:
            found.append(
                'without "ganforge-fid[offline]" the discriminator sees through no pretrained network, at a cost.'
            )
        if not self.evaluators:
            found.append('without "ganforge-fid[offline]" nothing is measured.')
        return tuple(found)


def parts_of(components: Components) -> Parts:
    """What of the best recipe can be used here."""
    measures = [kind for kind in (*EVALUATORS, *OF_LABELS) if components["evaluator"].get(kind) is not None]
    is_ready = _is_ready(components, "extractor", EXTRACTOR)
    return Parts(
        _is_ready(components, "source", SOURCE),
        _is_ready(components, "feature_network", FEATURES),
        tuple(measures) if is_ready else (),
    )


def _is_ready(components: Components, family: str, kind: str) -> bool:
    spec = components[family].get(kind)
    if spec is None:
        return False
    try:
        spec().preflight()
    except GanforgeError:
        return False
    return True
