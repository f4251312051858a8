"""Nearest neighbours in blocks against distances taken one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganforge_fid import neighbours
from ganforge_fid.neighbours import blocks, nearest, squared_distances, squared_radii

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 8)


def drawn(seed: int, n: int, dim: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim))


def one_by_one(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ((x[:, None] - y[None]) ** 2).sum(axis=2)


@pytest.fixture
def small_blocks(monkeypatch):
    # three rows of four numbers
    monkeypatch.setattr(neighbours, "BLOCK", 8 * 4 * 3)


@given(seeds, sizes, sizes, sizes)
@settings(deadline=None)
def test_distances_are_those_taken_one_by_one(seed, n, m, dim):
    x, y = drawn(seed, n, dim), drawn(seed + 1, m, dim)
    np.testing.assert_allclose(squared_distances(x, y), one_by_one(x, y), rtol=1e-9, atol=1e-12)


@given(seeds, sizes, st.integers(1, 400))
@settings(deadline=None)
def test_equal_rows_are_at_no_distance_however_many_features_they_have(seed, n, dim):
    x = 1e3 * (drawn(seed, n, dim) + 5)
    assert (np.diag(squared_distances(x, x.copy())) == 0).all()


@given(seeds, sizes)
@settings(deadline=None)
def test_distances_of_pixels_are_exact(seed, n):
    x, y = np.random.default_rng(seed).integers(0, 256, (2, n, 768))
    y[0] = x[0]
    y[0, 5] ^= 1
    assert (squared_distances(x.astype(float), y.astype(float)) == one_by_one(x, y)).all()


@given(seeds, st.integers(2, 8), st.data())
@settings(deadline=None)
def test_the_radius_of_a_row_reaches_to_its_kth_nearest_other_row(seed, n, data):
    k = data.draw(st.integers(1, n - 1))
    x = drawn(seed, n, 3)
    # the nearest of all is the row itself
    expected = np.sort(one_by_one(x, x), axis=1)[:, k]
    np.testing.assert_allclose(squared_radii(x, k), expected, rtol=1e-9)


def test_blocks_cover_every_row_once_and_hold_one_row_at_least(small_blocks):
    assert list(blocks(7, 4)) == [slice(0, 3), slice(3, 6), slice(6, 7)]
    assert list(blocks(2, 1000)) == [slice(0, 1), slice(1, 2)]


def test_the_nearest_is_the_same_in_blocks_and_one_by_one(small_blocks):
    x, y = drawn(0, 10, 4), drawn(1, 11, 4)
    squares, indices = nearest(x, y)
    expected = one_by_one(x, y)
    np.testing.assert_allclose(squares, expected.min(axis=1), rtol=1e-9)
    assert (indices == expected.argmin(axis=1)).all()
    np.testing.assert_allclose(squared_radii(x, 2), np.sort(one_by_one(x, x), axis=1)[:, 2], rtol=1e-9)


def test_of_equally_near_references_the_first_is_taken(small_blocks):
    y = np.zeros((9, 2, 2), np.uint8)
    y[:2] = 7
    squares, indices = nearest(y[-1:], y)
    assert (squares, indices) == (0, 2)


def test_the_user_sees_progress_over_the_queries(small_blocks):
    seen = []

    def progress(items, total, what):
        seen.append((total, what))
        return items

    nearest(drawn(0, 7, 4), drawn(1, 2, 4), progress, "pixels: generated images")
    assert seen == [(3, "pixels: generated images")]
