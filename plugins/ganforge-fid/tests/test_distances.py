"""Distances against closed forms and against torch-fidelity on the same features."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric

from ganforge_fid.distances import frechet_distance, kernel_distance

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, *shape: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    mixed = generator.normal(size=shape) @ generator.normal(size=(shape[1], shape[1]))
    return shift + scale * mixed


def with_moments(seed: int, n: int, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """A sample of n whose mean and covariance are exactly these."""
    x = np.random.default_rng(seed).normal(size=(n, len(mean)))
    x -= x.mean(axis=0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(x, rowvar=False)))).T
    return mean + white @ np.linalg.cholesky(covariance).T


def oracle_frechet(real: np.ndarray, fake: np.ndarray) -> float:
    statistics = [fid_features_to_statistics(torch.from_numpy(x)) for x in (real, fake)]
    return fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]


def oracle_kernel(real: np.ndarray, fake: np.ndarray) -> float:
    return kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(fake), kid_subsets=1, kid_subset_size=len(real), verbose=False
    )["kernel_inception_distance_mean"]


@given(seeds, st.integers(1, 6), st.integers(20, 40), st.integers(20, 40))
@settings(deadline=None)
def test_frechet_distance_of_gaussians_with_diagonal_covariances_is_the_closed_form(seed, dim, n, m):
    generator = np.random.default_rng(seed)
    means, sds = generator.normal(size=(2, dim)), generator.uniform(0.1, 3, size=(2, dim))
    real, fake = (with_moments(seed, k, mean, np.diag(sd**2)) for k, mean, sd in zip((n, m), means, sds, strict=True))
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((sds[0] - sds[1]) ** 2)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_frechet_distance_of_scaled_covariances_is_the_closed_form():
    root = np.random.default_rng(0).normal(size=(5, 5))
    covariance = root @ root.T + np.eye(5)
    real, fake = with_moments(1, 30, np.zeros(5), covariance), with_moments(2, 50, np.zeros(5), 9 * covariance)
    assert frechet_distance(real, fake) == pytest.approx(4 * np.trace(covariance), rel=1e-10)


@given(seeds, st.integers(2, 8), st.integers(2, 24), st.integers(2, 24))
@settings(deadline=None)
def test_frechet_distance_equals_torch_fidelity_whichever_of_n_and_d_is_larger(seed, dim, n, m):
    real, fake = drawn(seed, n, dim), drawn(seed + 1, m, dim, scale=2, shift=1)
    assert frechet_distance(real, fake) == pytest.approx(oracle_frechet(real, fake), rel=1e-5)


@given(seeds, st.integers(1, 8), st.integers(2, 24))
@settings(deadline=None)
def test_kernel_distance_equals_torch_fidelity(seed, dim, n):
    real, fake = drawn(seed, n, dim), drawn(seed + 1, n, dim, scale=2, shift=1)
    assert kernel_distance(real, fake) == pytest.approx(oracle_kernel(real, fake), rel=1e-9, abs=1e-9)


def test_distances_equal_torch_fidelity_on_as_many_features_as_an_extractor_gives():
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(24, 192))
    for n in (60, 300):
        real, fake = (np.maximum(generator.normal(k, 1, size=(n, 24)) @ basis, 0) for k in (0.0, 0.2))
        assert frechet_distance(real, fake) == pytest.approx(oracle_frechet(real, fake), rel=1e-5)
        assert kernel_distance(real, fake) == pytest.approx(oracle_kernel(real, fake), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(60, 60), (40, 90), (90, 40), (300, 300), (193, 400), (400, 60), (215, 400)])
def test_every_route_of_the_frechet_distance_equals_torch_fidelity(n, m, monkeypatch):
    # n < 1.1 d directly and by eigenvalues, the others by Cholesky; rectified as features are; some are constant
    generator = np.random.default_rng(0)
    basis = generator.normal(size=(24, 192))
    own = 0.3 * generator.normal(size=192)
    real, fake = (
        np.maximum(generator.normal(shift, 1, size=(k, 24)) @ basis + own * generator.normal(size=(k, 192)), 0)
        for k, shift in ((n, 0.0), (m, 0.2))
    )
    for features in (real, fake):
        features[:, :5] = 0
    real[:, 5:9] = 1
    expected = pytest.approx(oracle_frechet(real, fake), rel=1e-5)
    assert frechet_distance(real, fake) == expected
    monkeypatch.setattr("ganforge_fid.distances.DIRECT", 8)
    assert frechet_distance(real, fake) == expected
    assert frechet_distance(fake, real) == expected


def closed_form_kernel(real: np.ndarray, fake: np.ndarray) -> float:
    """By the definition, pair by pair."""

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (x @ y / len(x) + 1) ** 3

    within = [
        np.mean([kernel(x, y) for i, x in enumerate(features) for j, y in enumerate(features) if i != j])
        for features in (real, fake)
    ]
    return sum(within) - 2 * np.mean([kernel(x, y) for x in real for y in fake])


@given(seeds, st.integers(1, 5), st.integers(2, 9), st.integers(2, 9))
@settings(deadline=None)
def test_kernel_distance_is_the_definition_also_where_the_sets_differ_in_size(seed, dim, n, m):
    real, fake = drawn(seed, n, dim), drawn(seed + 1, m, dim, shift=0.5)
    assert kernel_distance(real, fake) == pytest.approx(closed_form_kernel(real, fake), rel=1e-9, abs=1e-9)


def test_features_that_depend_on_each_other_take_the_slow_route_to_the_same_number(monkeypatch):
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(50, 6)), generator.normal(0.5, 2, size=(50, 6))
    expected = frechet_distance(real, fake)

    def refuses(covariance):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "cholesky", refuses)
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-12)


def test_both_routes_of_the_frechet_distance_agree_on_features_of_low_rank():
    # 30 samples in 40 features take the route over singular values; the same features without the constant ones do not.
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(30, 8)), generator.normal(0.5, 2, size=(30, 8))
    padded = [np.hstack([x, np.zeros((30, 32))]) for x in (real, fake)]
    assert frechet_distance(*padded) == pytest.approx(frechet_distance(real, fake), rel=1e-12)
    repeated = [np.hstack([x, x]) for x in (real, fake)]
    assert frechet_distance(*repeated) == pytest.approx(2 * frechet_distance(real, fake), rel=1e-12)


def test_kernel_distance_in_blocks_is_the_one_in_a_single_block(monkeypatch):
    real, fake = drawn(0, 20, 4), drawn(1, 17, 4)
    whole = kernel_distance(real, fake)
    monkeypatch.setattr("ganforge_fid.distances.ROWS", 6)
    assert kernel_distance(real, fake) == pytest.approx(whole, rel=1e-12)


def test_kernel_distance_is_unbiased():
    pairs = [np.random.default_rng(seed).normal(size=(2, 12, 3)) for seed in range(400)]
    values = [kernel_distance(real, fake) for real, fake in pairs]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


@given(seeds, st.integers(2, 12), st.integers(1, 8))
@settings(deadline=None)
def test_frechet_distance_of_a_set_to_itself_is_zero(seed, n, dim):
    x = drawn(seed, n, dim)
    assert frechet_distance(x, x) <= 1e-6 * max(1.0, float(np.sum(x * x)))


@given(seeds, st.integers(2, 12), st.integers(2, 12), st.integers(1, 8))
@settings(deadline=None)
def test_distances_ignore_the_order_of_rows_and_of_arguments(seed, n, m, dim):
    real, fake = drawn(seed, n, dim), drawn(seed + 1, m, dim, shift=0.5)
    shuffled = np.random.default_rng(seed).permutation(real)
    for distance in (frechet_distance, kernel_distance):
        expected = pytest.approx(distance(real, fake), rel=1e-6, abs=1e-6)
        assert distance(shuffled, fake) == expected
        assert distance(fake, real) == expected


def test_constant_features_have_the_distance_of_their_means():
    assert frechet_distance(np.zeros((9, 2)), np.full((9, 2), 3.0)) == 18.0


def test_sets_that_cannot_be_compared_are_refused():
    good = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"^real features have the shape \(1, 2\); \(N, D\) with N >= 2 is needed\.$"):
        frechet_distance(good[:1], good)
    with pytest.raises(ValueError, match=r"^fake features contain values that are not finite\.$"):
        kernel_distance(good, np.array([[0.0, np.nan], [0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"^real images have 2 features and fake ones 1\.$"):
        kernel_distance(good, good[:, :1])
