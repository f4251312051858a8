"""How well classes were recognised: kappa, accuracies, area under the curve; and how far each may be off."""

# N images, K classes

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganforge.evaluation.score import Matrix

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Resamplings over which a spread is taken.
RESAMPLINGS = 200


@dataclass(frozen=True)
class Measure:
    """A measure of (N,) true labels and (N, K) probabilities; NaN where the images don't allow it."""

    name: str
    of: Callable[[Indices, Array], float]


def kappa(is_ordered: bool, num_classes: int) -> Measure:
    """Cohen's kappa: 0 for what is independent of the label, 1 for what agrees always.

    In ordered classes a disagreement counts by its square (quadratic weights, Cohen 1968).
    """
    weights = "quadratic" if is_ordered and num_classes > 2 else None

    def of(truth: Indices, probabilities: Array) -> float:
        from sklearn.metrics import cohen_kappa_score

        if np.ptp(truth) == 0:
            return math.nan
        labels = np.arange(probabilities.shape[1])
        return float(cohen_kappa_score(truth, probabilities.argmax(axis=1), labels=labels, weights=weights))

    return Measure("quadratic kappa" if weights else "kappa", of)


def _accuracy(truth: Indices, probabilities: Array) -> float:
    return float((probabilities.argmax(axis=1) == truth).mean())


def _balanced_accuracy(truth: Indices, probabilities: Array) -> float:
    is_right = probabilities.argmax(axis=1) == truth
    return float(np.mean([is_right[truth == label].mean() for label in np.unique(truth)]))


def area_of(positive: Sequence[int]) -> Measure:
    """Area under the ROC curve of some classes (labels) against the others; 0.5 for guessing."""

    def of(truth: Indices, probabilities: Array) -> float:
        return _area(np.isin(truth, positive), probabilities[:, list(positive)].sum(axis=1))

    return Measure(f"AUROC of {'+'.join(map(str, positive))}", of)


def _area_one_against_rest(truth: Indices, probabilities: Array) -> float:
    return float(np.mean([_area(truth == label, probabilities[:, label]) for label in np.unique(truth)]))


def _area(is_positive: NDArray[np.bool_], score: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return math.nan if is_positive.all() or not is_positive.any() else float(roc_auc_score(is_positive, score))


#: Share of images whose label was recognised.
ACCURACY = Measure("accuracy", _accuracy)
#: Mean of that share over the classes that are present; guessing gives 1 / K.
BALANCED_ACCURACY = Measure("balanced accuracy", _balanced_accuracy)
#: Mean over the classes that are present of the area under the ROC curve of one class against all others.
AREA_ONE_AGAINST_REST = Measure("AUROC one against rest", _area_one_against_rest)


def confusion(truth: Indices, probabilities: Array) -> Matrix:
    """K x K counts: asked (rows) by recognised (columns)."""
    num_classes = probabilities.shape[1]
    cells = np.bincount(truth * num_classes + probabilities.argmax(axis=1), minlength=num_classes**2)
    return tuple(map(tuple, cells.reshape(num_classes, num_classes).tolist()))


def resampled(measure: Measure, truth: Indices, probabilities: Array, groups: Sequence[str], seed: int) -> Array:
    """The measure on each of 200 resamplings of whole groups (patients), with replacement; NaN where it has no value.

    The same groups and seed give the same resamplings, so that two classifiers can be compared pair by pair.
    """
    _, group_of = np.unique(np.asarray(groups), return_inverse=True)
    members = np.split(np.argsort(group_of, kind="stable"), np.cumsum(np.bincount(group_of))[:-1])
    generator = np.random.default_rng(seed)
    values = np.empty(RESAMPLINGS)
    for number in range(RESAMPLINGS):
        drawn = np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])
        values[number] = measure.of(truth[drawn], probabilities[drawn])
    return values


def spread_of(values: Array) -> float | None:
    """Standard deviation of those that have a value; None with fewer than two."""
    known = values[np.isfinite(values)]
    return float(known.std(ddof=1)) if len(known) > 1 else None
