"""From two sets of images to scores, with all that a reader must be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge.errors import DataError
from ganforge.evaluation.features import FeatureSet
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import ExtractorSpec
from ganforge_fid.comparison import DRAWS, Comparison, Drawn, compare_all
from ganforge_fid.composition import share_gap
from ganforge_fid.inception import InceptionSpec
from ganforge_fid.meanings import MEANINGS

#: Real and generated images that a class must have to get a score of its own.
MIN_PER_CLASS = 20
#: Number of images below which the bias of the Fréchet distance is larger than most differences between methods.
MIN_UNBIASED = 500

_GAP = "; scores over all images contain this difference."
_UNASKED = (
    "the generator was asked for no classes: it draws them in proportions that it has learnt from its sampler, and "
    "scores over all images contain the difference to those of the real ones."
)


class Measure(Protocol):
    """One or several numbers about two sets of features, and what a reader must be told about them."""

    @property
    def name(self) -> str:
        """Of the evaluator, for errors."""

    @property
    def setting(self) -> str:
        """What else stands in the brackets of a score's name, behind the extractor."""

    @property
    def lower_is_better(self) -> bool: ...

    @property
    def least_per_class(self) -> int | None:
        """Real and generated images that a class must have to get scores of its own; None: no class gets any."""

    def values(self, real: Drawn, fake: Drawn) -> Mapping[str, float]:
        """By the names under which they are reported. real, fake: (n, D)."""

    def caveats(self, extractor: ExtractorSpec, features: str, n: int) -> list[str]:
        """Warnings about scores on `features` (the name of the network) of n images."""


@dataclass(frozen=True)
class DistanceMeasure:
    """A distance under the name of its evaluator."""

    name: str
    distance: Callable[[Drawn, Drawn], float]
    #: Its expectation depends on n; it is then not reported per class.
    is_biased: bool
    #: What its values may be compared with on the features of Inception; on others, with no published value.
    on_inception: str
    setting = ""
    lower_is_better = True

    @property
    def least_per_class(self) -> int | None:
        return None if self.is_biased else MIN_PER_CLASS

    def values(self, real: Drawn, fake: Drawn) -> dict[str, float]:
        return {self.name: self.distance(real, fake)}

    def caveats(self, extractor: ExtractorSpec, features: str, n: int) -> list[str]:
        caveats = [self.on_inception if isinstance(extractor, InceptionSpec) else _on_other_features(features)]
        if self.is_biased and n < MIN_UNBIASED:
            caveats.append(
                f"n = {n} is below {MIN_UNBIASED}: the bias of a Fréchet distance is large at this n; "
                f"compare it with the floor and with values at the same n only."
            )
        return caveats


def score(
    measure: Measure, extractor: ExtractorSpec, real: LabelledImages, fake: LabelledImages, context: EvaluationContext
) -> list[Score]:
    """The scores of all images first, then those of each class with enough images, where the measure allows that.

    Raises DataError for fewer than two images on either side, and for sets whose classes differ.
    """
    if min(len(real), len(fake)) < 2:
        raise DataError(
            f"{measure.name} needs at least two real and two generated images; "
            f"there are {len(real)} real and {len(fake)} generated ones."
        )
    if real.card.classes != fake.card.classes:
        raise DataError(
            f"{measure.name} compares sets with the same classes; the real images have {', '.join(real.card.classes)}, "
            f"the generated ones {', '.join(fake.card.classes)}."
        )
    of_real = context.features(extractor, real, "real images")
    of_fake = context.features(extractor, fake, "generated images")
    real_values, fake_values = (features.values.astype(np.float64) for features in (of_real, of_fake))
    name = of_real.extractor.partition("@")[0]
    setting = f", {measure.setting}" if measure.setting else ""

    def of(of_class: int | None, notes: list[str]) -> list[Score]:
        on_real, on_fake = (_rows(features, of_class) for features in (of_real, of_fake))
        groups = [of_real.groups[i] for i in np.flatnonzero(on_real)]
        results = compare_all(measure.values, real_values[on_real], groups, fake_values[on_fake], context.seed)
        return [
            Score(
                name=f"{value}[{of_real.extractor}{setting}]",
                value=result.value,
                n_real=result.n,
                n_fake=result.n,
                spread=result.spread,
                spread_of=spread_of(result, int(on_real.sum()), int(on_fake.sum())),
                of_class=None if of_class is None else real.card.classes[of_class],
                floor=result.floor,
                lower_is_better=measure.lower_is_better,
                meaning=MEANINGS.get(value, ""),
                extractor=f"{name}, sha256 {of_real.extractor_sha256}",
                resizer=of_real.resizer,
                dataset=real.card.name,
                warnings=(*measure.caveats(extractor, name, result.n), *_no_floor(result), *notes),
            )
            for value, result in results.items()
        ]

    least = measure.least_per_class if context.is_conditional else None
    classes, hidden = _classes_to_score(real, fake, least) if least is not None else ([], [])
    if context.is_conditional:
        gap = share_gap(real.class_counts(), fake.class_counts(), real.card.classes, _GAP)
    else:
        gap = [_UNASKED] if len(real.card.classes) > 1 else []
    return [*of(None, gap + hidden), *(score for label in classes for score in of(label, []))]


def _rows(features: FeatureSet, of_class: int | None) -> NDArray[np.bool_]:
    return np.ones(len(features), bool) if of_class is None else features.labels == of_class


def _on_other_features(name: str) -> str:
    return f"not comparable with published FID or KID: the features are those of {name}, not of Inception."


def spread_of(result: Comparison, n_real: int, n_fake: int, real: str = "real") -> str:
    """What `Score.spread` is the standard deviation over; `real` is what the real images are called."""
    if result.spread is None:
        return ""
    return (
        f"standard deviation over {DRAWS} draws of {result.n} of {n_real} {real} and {result.n} of {n_fake} generated"
    )


def _no_floor(result: Comparison) -> list[str]:
    if result.floor is not None:
        return []
    return ["no real-vs-real floor: the real images can't be divided into halves without a patient in both."]


def _classes_to_score(real: LabelledImages, fake: LabelledImages, least: int) -> tuple[list[int], list[str]]:
    """Labels that get scores, and a warning that names the others."""
    labels, hidden = [], []
    counts = zip(real.card.classes, real.class_counts(), fake.class_counts(), strict=True)
    for label, (name, n_real, n_fake) in enumerate(counts):
        if min(n_real, n_fake) >= least:
            labels.append(label)
        else:
            hidden.append(f"'{name}' ({n_real} real, {n_fake} generated)")
    warning = f"no scores for {', '.join(hidden)}: at least {least} of each are needed."
    return labels, [warning] if hidden else []
