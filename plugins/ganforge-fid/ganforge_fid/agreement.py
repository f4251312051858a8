"""Does the label do anything? The label that was asked for against the one that is recognised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ganforge.data.images import LabelledImages
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import ExtractorSpec
from ganforge_fid.classes import Groups
from ganforge_fid.composition import share_gap
from ganforge_fid.meanings import MEANINGS
from ganforge_fid.recognition import ACCURACY, BALANCED_ACCURACY, confusion, kappa, resampled
from ganforge_fid.sides import MIN_KAPPA, Side, Sides, sides

_GAP = ": compare balanced accuracies, since kappa and accuracy depend on it."


def label_agreement(
    extractor: ExtractorSpec,
    is_ordered: bool,
    groups: Groups | None,
    real: LabelledImages,
    fake: LabelledImages,
    context: EvaluationContext,
) -> list[Score]:
    """Kappa (with the confusion matrix), balanced accuracy and accuracy of the labels recognised in generated images.

    The classifier is trained on `context.train`; the floor of each score is that of the same classifier on the
    held-out real images. Raises DataError for what `sides` refuses.
    """
    given = sides("label_agreement", extractor, groups, real, fake, context)
    probe = given.trained_on_real()
    on_real, on_fake = probe(given.real.values), probe(given.fake.values)
    agreement = kappa(is_ordered, given.num_classes)
    reference = agreement.of(given.real.labels, on_real)
    remedy = "Merge classes (`group`), or use a larger resolution or another `extractor`."
    weak = given.hardly_recognised(agreement.name, reference, remedy)
    scores = []
    for measure in (agreement, BALANCED_ACCURACY, ACCURACY):
        draws = resampled(measure, given.fake.labels, on_fake, given.fake.groups, context.seed)
        value, floor = measure.of(given.fake.labels, on_fake), measure.of(given.real.labels, on_real)
        name = f"label {measure.name}[{given.classifier}]"
        scores.append(
            given.score(
                name, value, floor, draws, "the generated images", given.draws_on_real(measure), MEANINGS["label"], weak
            )
        )
    first = scores[0]
    of_real, of_fake = (_counts(side, given.num_classes) for side in (given.real, given.fake))
    gap = share_gap(of_real, of_fake, given.classes.names, _GAP)
    notes = _what_the_floor_is(given) + _ignored(first, reference) + gap
    matrix = confusion(given.fake.labels, on_fake)
    first = replace(first, matrix=matrix, classes=given.classes.names, warnings=(*first.warnings, *notes))
    return [first, *scores[1:]]


def _what_the_floor_is(given: Sides) -> list[str]:
    return [
        f"the value on real images is that of the same classifier, trained on {len(given.train)} real images, on "
        f"{len(given.real)} held-out ones; images that copy training images, or exaggerate a class, exceed it."
    ]


def _ignored(score: Score, reference: float) -> list[str]:
    if reference < MIN_KAPPA or score.value > 2 * (score.spread or 0):
        return []
    return [
        "no sign that the label changes the images as asked: kappa is not two standard deviations above 0, that of a "
        "generator that ignores its label."
    ]


def _counts(side: Side, num_classes: int) -> list[int]:
    return np.bincount(side.labels, minlength=num_classes).tolist()
