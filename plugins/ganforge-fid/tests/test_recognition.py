"""Measures of recognition: values worked out by hand, chance at its place, resampling by patient."""

import math

import numpy as np
import pytest

from ganforge_fid.recognition import (
    ACCURACY,
    AREA_ONE_AGAINST_REST,
    BALANCED_ACCURACY,
    RESAMPLINGS,
    Measure,
    area_of,
    confusion,
    kappa,
    resampled,
    spread_of,
)


def certain(labels: list[int], num_classes: int) -> np.ndarray:
    return np.eye(num_classes)[labels]


def test_kappa_weighs_distant_errors_by_the_square_in_ordered_classes():
    truth = np.array([0, 0, 1, 1, 2, 2])
    near, far = certain([0, 1, 1, 1, 2, 2], 3), certain([0, 2, 1, 1, 2, 2], 3)
    ordered, plain = kappa(True, 3), kappa(False, 3)
    # Expected by chance, with the marginals of `near` (1/6, 3/6, 2/6): 1/3 * (1/6 * 5 + 3/6 * 2 + 2/6 * 5) = 7/6.
    assert ordered.of(truth, near) == pytest.approx(1 - (1 / 6) / (7 / 6))
    assert ordered.of(truth, far) < ordered.of(truth, near)
    assert plain.of(truth, near) == pytest.approx((5 / 6 - 1 / 3) / (1 - 1 / 3))
    assert plain.of(truth, far) == pytest.approx(plain.of(truth, near))
    assert (ordered.name, plain.name, kappa(True, 2).name) == ("quadratic kappa", "kappa", "kappa")


def test_what_is_independent_of_the_label_has_kappa_0_however_uneven_the_classes_are():
    generator = np.random.default_rng(0)
    truth, guess = (generator.choice(3, 20_000, p=[0.8, 0.15, 0.05]) for _ in range(2))
    for is_ordered in (True, False):
        assert abs(kappa(is_ordered, 3).of(truth, certain(guess, 3))) < 0.02
    assert ACCURACY.of(truth, certain(guess, 3)) > 0.6
    assert BALANCED_ACCURACY.of(truth, certain(guess, 3)) == pytest.approx(1 / 3, abs=0.02)


def test_balanced_accuracy_is_over_the_classes_that_are_there():
    truth = np.array([0, 0, 0, 0, 2])
    assert BALANCED_ACCURACY.of(truth, certain([0, 0, 0, 1, 1], 3)) == pytest.approx((3 / 4 + 0) / 2)


def test_areas_of_chosen_classes_and_of_each_against_the_rest():
    truth = np.array([0, 1, 2, 2])
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.5, 0.0, 0.5], [0.1, 0.2, 0.7]])
    area = area_of([1, 2])
    assert (area.name, area.of(truth, probabilities)) == ("AUROC of 1+2", 1.0)
    # Class 0 against the rest 1; class 1: 0.2 against 0.3, 0.0, 0.2; class 2: 0.5 and 0.7 against 0.1 and 0.6.
    assert AREA_ONE_AGAINST_REST.of(truth, probabilities) == pytest.approx((1 + 1.5 / 3 + 3 / 4) / 3)


def test_a_measure_that_the_images_do_not_allow_is_nan():
    truth, probabilities = np.array([1, 1]), certain([1, 0], 2)
    for measure in (kappa(True, 2), kappa(False, 2), area_of([1]), AREA_ONE_AGAINST_REST):
        assert math.isnan(measure.of(truth, probabilities))


def test_rows_of_the_matrix_are_what_was_asked_for():
    truth = np.array([0, 0, 0, 1, 2])
    assert confusion(truth, certain([0, 2, 2, 1, 1], 3)) == ((1, 0, 2), (0, 1, 0), (0, 1, 0))


def test_patients_are_resampled_whole_and_in_the_same_way_for_two_classifiers():
    groups, truth = ["b", "a", "b", "c", "a", "b"], np.arange(6)
    seen: list[list[int]] = []
    measure = Measure("images", lambda drawn, probabilities: float(seen.append(sorted(drawn.tolist())) or len(drawn)))
    sizes = resampled(measure, truth, np.zeros((6, 1)), groups, seed=0)
    assert len(sizes) == len(seen) == RESAMPLINGS
    for drawn in seen:
        assert drawn.count(0) == drawn.count(2) == drawn.count(5)
        assert drawn.count(1) == drawn.count(4)
        assert drawn.count(0) + drawn.count(1) + drawn.count(3) == 3
    first = seen.copy()
    resampled(measure, truth, np.ones((6, 1)), groups, seed=0)
    assert seen[RESAMPLINGS:] == first


def test_the_spread_leaves_out_resamplings_without_a_value():
    assert spread_of(np.array([1.0, math.nan, 3.0])) == pytest.approx(math.sqrt(2))
    assert spread_of(np.array([1.0, math.nan])) is None
