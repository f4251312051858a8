"""The evaluators that recipes know: `fid` and `kid` mean Inception; `fd` and `kd` are the same on other features."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from ganforge.data.images import LabelledImages
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import EvaluatorSpec
from ganforge_fid.distances import frechet_distance, kernel_distance
from ganforge_fid.extractors import EfficientNetLite0
from ganforge_fid.inception import Inception, how_to_get_weights
from ganforge_fid.scoring import Measure, score

_OFFLINE = "not comparable with published FID or KID: the features are those of efficientnet-lite0, not of Inception."
_FID = "compare with FIDs of clean-fid's mode 'clean' at the same n only."
_KID = "compare with KIDs of clean-fid's mode 'clean' only; published values are often multiplied by 1000."

_EXTRACTORS = {"efficientnet_lite0": EfficientNetLite0}


class FrechetDistance(EvaluatorSpec):
    """Fréchet distance on features that need no download.

    Biased: compare at equal n and with the floor. `kd` is the better number for small sets.
    """

    kind: Literal["fd"] = "fd"
    extractor: Literal["efficientnet_lite0"] = "efficientnet_lite0"

    def preflight(self) -> None:
        _EXTRACTORS[self.extractor]()

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        measure = Measure("fd", frechet_distance, is_biased=True, caveat=_OFFLINE)
        return score(measure, _EXTRACTORS[self.extractor](), real, fake, context)


class KernelDistance(EvaluatorSpec):
    """Kernel distance on features that need no download, also per class; unbiased at any number of images."""

    kind: Literal["kd"] = "kd"
    extractor: Literal["efficientnet_lite0"] = "efficientnet_lite0"

    def preflight(self) -> None:
        _EXTRACTORS[self.extractor]()

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        measure = Measure("kd", kernel_distance, is_biased=False, caveat=_OFFLINE)
        return score(measure, _EXTRACTORS[self.extractor](), real, fake, context)


class _WithInception(EvaluatorSpec):
    """What `fid` and `kid` have in common: the file with the weights, which they never replace by another network."""

    #: One of the two published files; relative paths start at the working directory.
    weights: Path

    @model_validator(mode="before")
    @classmethod
    def _weights_are_given(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("weights") is None:
            raise ValueError(f"{cls.kind_name()} needs the weights of the Inception network. {how_to_get_weights()}")
        return data

    def preflight(self) -> None:
        Inception(self.weights)


class FID(_WithInception):
    """Fréchet Inception distance: Inception 2015-12-05 and the resizing of clean-fid's mode "clean"."""

    kind: Literal["fid"] = "fid"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        measure = Measure("fid", frechet_distance, is_biased=True, caveat=_FID)
        return score(measure, Inception(self.weights), real, fake, context)


class KID(_WithInception):
    """Kernel Inception distance, also per class: Inception 2015-12-05, clean resizing, not multiplied by 1000."""

    kind: Literal["kid"] = "kid"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        measure = Measure("kid", kernel_distance, is_biased=False, caveat=_KID)
        return score(measure, Inception(self.weights), real, fake, context)
