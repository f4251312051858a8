"""A measure of generated images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import EvaluatorSpec

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages
    from ganforge.evaluation.score import EvaluationContext, Score


class Colour(EvaluatorSpec):
    """Distance of the mean colours of real and generated images, in grey levels."""

    kind: Literal["mylab_colour"] = "mylab_colour"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        """One score. Images are uint8 (N, 3, H, W); their order must not matter."""
        import numpy as np
        from ganforge.evaluation.score import Score

        means = [np.asarray(images.images).mean(axis=(0, 2, 3)) for images in (real, fake)]
        distance = float(np.linalg.norm(means[0] - means[1]))
        return [Score(self.kind, distance, len(real), len(fake), extractor="mean colour", dataset=real.card.name)]
