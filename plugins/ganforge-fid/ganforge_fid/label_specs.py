"""Evaluators of the label: whether images show it, and what they teach a classifier about it."""

from __future__ import annotations

from typing import ClassVar, Literal

from ganforge.data.images import LabelledImages
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge_fid import literature
from ganforge_fid.classes import ClassRefs, Groups
from ganforge_fid.on_features import OnFeatures


class LabelAgreement(OnFeatures):
    """Whether a classifier of real images recognises in generated ones the label that was asked for."""

    kind: Literal["label_agreement"] = "label_agreement"
    papers: ClassVar[tuple[str, ...]] = (literature.GAN_TEST,)
    #: The classes have an order, as grades do: kappa is weighted by the square of the difference.
    ordered: bool = True
    #: Classes to merge before the classifier is trained, by name or label: [[0, 1], [2, 3, 4]].
    group: Groups | None = None

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        from ganforge_fid.agreement import label_agreement

        return label_agreement(self.extractor, self.ordered, self.group, real, fake, context)


class Downstream(OnFeatures):
    """A classifier trained on generated images, without and with real ones, and tested on held-out patients."""

    kind: Literal["downstream"] = "downstream"
    papers: ClassVar[tuple[str, ...]] = (literature.TRAIN_ON_SYNTHETIC, literature.GAN_TEST)
    #: The classes have an order, as grades do.
    ordered: bool = True
    #: Classes, by name or label, whose area under the curve is taken against the others; null: the upper half of
    #: ordered classes, else each class against the rest.
    positive: ClassRefs | None = None

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        from ganforge_fid.downstream import usefulness

        return usefulness(self.extractor, self.ordered, self.positive, real, fake, context)
