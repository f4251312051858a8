"""Precision, recall, density and coverage against the package prdc and against what must hold."""

import numpy as np
import pytest
from expected_coverage import expected_coverage
from hypothesis import given, settings
from hypothesis import strategies as st
from prdc import compute_prdc

from ganforge_fid import neighbours
from ganforge_fid.manifolds import precision_recall_density_coverage

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, n: int, dim: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).normal(size=(n, dim))


@given(seeds, st.integers(1, 8), st.integers(1, 5), st.integers(8, 30), st.integers(8, 30), st.floats(0, 3))
@settings(deadline=None)
def test_the_four_numbers_are_those_of_the_package_prdc(seed, dim, k, n, m, shift):
    real, fake = drawn(seed, n, dim), drawn(seed + 1, m, dim, shift, 0.7)
    assert precision_recall_density_coverage(real, fake, k) == pytest.approx(compute_prdc(real, fake, k), abs=1e-6)


def test_they_are_on_as_many_features_as_an_extractor_gives_and_in_blocks(monkeypatch):
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(12, 1280))
    # after a rectifier, as the features of a network: all positive
    real, fake = (np.maximum(generator.normal(k, 1, size=(200, 12)) @ basis, 0) for k in (0.0, 0.3))
    expected = pytest.approx(compute_prdc(real, fake, 5), abs=1e-6)
    assert precision_recall_density_coverage(real, fake, 5) == expected
    monkeypatch.setattr(neighbours, "BLOCK", 8 * 200 * 7)
    found = precision_recall_density_coverage(real, fake, 5)
    assert found == expected
    assert all(0.05 < found[name] < 0.95 for name in ("precision", "recall", "coverage"))


def test_density_and_coverage_of_one_distribution_are_the_expected_ones():
    found = [
        precision_recall_density_coverage(*np.random.default_rng(seed).normal(size=(2, 40, 6)), 5)
        for seed in range(150)
    ]
    for name, expected in (("density", 1.0), ("coverage", expected_coverage(40, 5))):
        values = [each[name] for each in found]
        assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(len(values))
    assert expected_coverage(10_000, 5) == pytest.approx(1 - 1 / 32, abs=1e-3)


def test_a_copy_of_the_real_set_reaches_everything():
    real = drawn(0, 30, 4)
    found = precision_recall_density_coverage(real, real.copy(), 3)
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1)


def test_sets_far_apart_reach_nothing():
    assert precision_recall_density_coverage(drawn(0, 30, 4), drawn(1, 30, 4, shift=50), 3) == {
        "precision": 0,
        "recall": 0,
        "density": 0,
        "coverage": 0,
    }


def test_one_good_image_again_and_again_is_precise_and_covers_little():
    real = drawn(0, 60, 4)
    found = precision_recall_density_coverage(real, np.repeat(real[:1], 60, axis=0), 3)
    assert found["precision"] == 1
    assert found["recall"] == 0
    assert found["coverage"] < 0.2


@given(seeds)
@settings(deadline=None)
def test_the_order_of_rows_changes_nothing_and_exchanged_sets_exchange_precision_and_recall(seed):
    real, fake = drawn(seed, 20, 3), drawn(seed + 1, 20, 3, 0.5)
    found = precision_recall_density_coverage(real, fake, 3)
    generator = np.random.default_rng(seed)
    assert precision_recall_density_coverage(generator.permutation(real), generator.permutation(fake), 3) == found
    exchanged = precision_recall_density_coverage(fake, real, 3)
    assert (exchanged["recall"], exchanged["precision"]) == (found["precision"], found["recall"])


def test_sets_without_enough_neighbours_are_refused():
    with pytest.raises(ValueError, match=r"^fake features have the shape \(5, 2\); \(N, D\) with N >= 6 is needed\.$"):
        precision_recall_density_coverage(drawn(0, 6, 2), drawn(0, 5, 2), 5)
