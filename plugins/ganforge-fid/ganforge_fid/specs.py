"""The evaluators that recipes know: `fid` and `kid` mean Inception; `fd` and `kd` are the same on any features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from ganforge.data.images import LabelledImages
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import EvaluatorSpec
from ganforge_fid import literature
from ganforge_fid.comparison import Drawn
from ganforge_fid.distances import frechet_distance, kernel_distance
from ganforge_fid.inception import InceptionSpec, Weights, require_weights
from ganforge_fid.on_features import OnFeatures
from ganforge_fid.scoring import DistanceMeasure, score

_FID = "compare with FIDs of clean-fid's mode 'clean' at the same n only."
_KID = "compare with KIDs of clean-fid's mode 'clean' only; published values are often multiplied by 1000."


def _frechet(real: Drawn, fake: Drawn) -> float:
    return frechet_distance(real.values, fake.values)


def _kernel(real: Drawn, fake: Drawn) -> float:
    return kernel_distance(real.values, fake.values, real.groups, fake.groups)


FD = DistanceMeasure("fd", _frechet, is_biased=True, on_inception=_FID)
KD = DistanceMeasure("kd", _kernel, is_biased=False, on_inception=_KID)


class FrechetDistance(OnFeatures):
    """Fréchet distance on the features of any extractor; the default needs no download.

    Biased: compare at equal n and with the floor. `kd` is the better number for small sets.
    """

    kind: Literal["fd"] = "fd"
    papers: ClassVar[tuple[str, ...]] = (literature.FRECHET,)

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        return score(FD, self.extractor, real, fake, context)


class KernelDistance(OnFeatures):
    """Kernel distance on the features of any extractor, also per class; unbiased at any number of images.

    The default extractor needs no download.
    """

    kind: Literal["kd"] = "kd"
    papers: ClassVar[tuple[str, ...]] = (literature.KERNEL,)

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        return score(KD, self.extractor, real, fake, context)


class _WithInception(EvaluatorSpec):
    """What `fid` and `kid` have in common: the file with the weights, which they never replace by another network."""

    in_batches: ClassVar[bool] = True
    #: One of the two published files, or "download".
    weights: Weights

    @model_validator(mode="before")
    @classmethod
    def _weights_are_given(cls, data: Any) -> Any:
        return require_weights(cls.kind_name(), data)

    @property
    def extractor(self) -> InceptionSpec:
        return InceptionSpec(weights=self.weights)

    def preflight(self) -> None:
        self.extractor.preflight()


class FID(_WithInception):
    """Fréchet Inception distance: Inception 2015-12-05 and the resizing of clean-fid's mode "clean"."""

    kind: Literal["fid"] = "fid"
    papers: ClassVar[tuple[str, ...]] = (literature.FRECHET, literature.INCEPTION, literature.CLEAN)

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        return score(replace(FD, name="fid"), self.extractor, real, fake, context)


class KID(_WithInception):
    """Kernel Inception distance, also per class: Inception 2015-12-05, clean resizing, not multiplied by 1000."""

    kind: Literal["kid"] = "kid"
    papers: ClassVar[tuple[str, ...]] = (literature.KERNEL, literature.INCEPTION, literature.CLEAN)

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        return score(replace(KD, name="kid"), self.extractor, real, fake, context)
