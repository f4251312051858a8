"""A measure of generated images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import EvaluatorSpec

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages
    from ganforge.evaluation.score import EvaluationContext, Score


class StubBrightness(EvaluatorSpec):
    """Distance between the mean brightness of real and of generated images, in grey levels."""

    kind: Literal["stub_brightness"] = "stub_brightness"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        from ganforge.evaluation.score import Score

        distance = abs(float(real.images.mean()) - float(fake.images.mean()))
        return [Score("brightness", distance, len(real), len(fake), dataset=real.card.name)]
