"""What do generated images teach? Train on them, test on real ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ganforge.data.images import LabelledImages
from ganforge.errors import DataError
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import ExtractorSpec
from ganforge_fid.classes import ClassRef, labels_of
from ganforge_fid.meanings import MEANINGS
from ganforge_fid.probe import linear_probe
from ganforge_fid.recognition import (
    ACCURACY,
    AREA_ONE_AGAINST_REST,
    BALANCED_ACCURACY,
    Array,
    Measure,
    area_of,
    kappa,
    resampled,
    spread_of,
)
from ganforge_fid.sides import Sides, sides

SYNTHETIC = "train on synthetic, test on real"
BOTH = "train on real + synthetic, test on real"


def usefulness(
    extractor: ExtractorSpec,
    is_ordered: bool,
    positive: Sequence[ClassRef] | None,
    real: LabelledImages,
    fake: LabelledImages,
    context: EvaluationContext,
) -> list[Score]:
    """Four measures, on the held-out real images, of a classifier trained on generated images, then of one on both.

    The floor of each score is that of the same classifier trained on the real images of `context.train` alone.
    Raises DataError for what `sides` refuses, and for `positive` that names unknown or all classes.
    """
    measures = _measures(is_ordered, positive, real.card.classes)
    given = sides("downstream", extractor, None, real, fake, context)
    truth = given.real.labels
    on_real, *others = _probabilities(given)
    weak = given.hardly_recognised(
        measures[0].name, measures[0].of(truth, on_real), "Use a larger resolution or another `extractor`."
    )
    scores: list[Score] = []
    for trained_on, probabilities in zip((SYNTHETIC, BOTH), others, strict=True):
        for measure in measures:
            value, floor = measure.of(truth, probabilities), measure.of(truth, on_real)
            if math.isnan(value):
                continue
            # the same resamplings, so that their difference is that of the classifiers
            draws = resampled(measure, truth, probabilities, given.real.groups, context.seed)
            of_real = given.draws_on_real(measure)
            notes = list(weak)
            if trained_on == BOTH:
                notes += _no_gain(value - floor, draws - of_real)
            elif not scores:
                notes += _what_the_floor_is(given) + _left_out(measures, truth, on_real)
            name = f"{measure.name}[{trained_on}; {given.classifier}]"
            meaning = MEANINGS["both" if trained_on == BOTH else "synthetic"]
            scores.append(given.score(name, value, floor, draws, "the held-out patients", of_real, meaning, notes))
    return scores


def _measures(is_ordered: bool, positive: Sequence[ClassRef] | None, names: tuple[str, ...]) -> list[Measure]:
    area = AREA_ONE_AGAINST_REST
    if positive is not None:
        labels = sorted(set(labels_of(positive, names, "positive")))
        if len(labels) == len(names):
            raise DataError("`positive` names all classes; the area under the curve needs others to tell them from.")
        area = area_of(labels)
    elif is_ordered:
        # The upper half: of the five grades of retinopathy 2, 3 and 4, with which patients are referred.
        area = area_of(range(len(names) // 2, len(names)))
    return [kappa(is_ordered, len(names)), area, BALANCED_ACCURACY, ACCURACY]


def _probabilities(given: Sides) -> list[Array]:
    """(N, K) on the held-out images, of three classifiers: trained on real, on generated, on both kinds of images."""
    train, fake = given.train, given.fake
    both = np.concatenate([train.values, fake.values]), np.concatenate([train.labels, fake.labels])
    others = [linear_probe(values, labels, given.num_classes) for values, labels in ((fake.values, fake.labels), both)]
    return [probe(given.real.values) for probe in (given.trained_on_real(), *others)]


def _what_the_floor_is(given: Sides) -> list[str]:
    return [
        f"the value on real images is that of the same classifier trained on the {len(given.train)} real training "
        f"images alone; those of the scores were trained on {len(given.fake)} generated images, or on both."
    ]


def _left_out(measures: list[Measure], truth: np.ndarray, probabilities: Array) -> list[str]:
    return [
        f"no {measure.name}: the held-out images have none of these classes, or no others."
        for measure in measures
        if math.isnan(measure.of(truth, probabilities))
    ]


def _no_gain(gain: float, draws: Array) -> list[str]:
    """A warning where two classifiers, on the same resampled patients, can't be told apart or the second is better."""
    if gain > 2 * (spread_of(draws) or 0):
        return []
    return [
        "no gain over training on the real images alone: the difference is below two standard deviations of it, over "
        "the same resamplings."
    ]
