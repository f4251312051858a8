"""Resizing is a mean over areas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganforge.data.resize import area_means, resize_area, square_box


@given(st.integers(1, 8), st.integers(0, 24), st.integers(0, 2**32 - 1))
def test_each_result_is_a_mean_over_its_area(resolution: int, more: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (resolution + more, 2), dtype=np.uint8)
    # each pixel in as many equal pieces as there are results, each result of as many pieces as there are pixels
    pieces = pixels.repeat(resolution, axis=0).astype(np.float64)
    expected = pieces.reshape(resolution, len(pixels), 2).mean(axis=1)
    np.testing.assert_allclose(area_means(pixels, resolution), expected, atol=1e-3)


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 255))
def test_a_flat_picture_stays_flat(side: int, resolution: int, level: int) -> None:
    resized = resize_area(Image.new("RGB", (side, side), (level, 0, 255)), (0, 0, side, side), resolution)
    assert resized.shape == (resolution, resolution, 3) and resized.dtype == np.uint8
    assert (resized == (level, 0, 255)).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 6))
def test_the_mean_colour_is_kept(seed: int, resolution: int, more: int) -> None:
    side = resolution + more
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    resized = resize_area(Image.fromarray(pixels), (0, 0, side, side), resolution)
    error = np.abs(resized.mean(axis=(0, 1)) - pixels.mean(axis=(0, 1))).max()
    assert error <= 0.6  # Pillow rounds block means a little coarser than to 0.5


def test_at_its_own_size_a_picture_stays_as_it_is() -> None:
    pixels = np.arange(5 * 5 * 3, dtype=np.uint8).reshape(5, 5, 3)
    assert (resize_area(Image.fromarray(pixels), (0, 0, 5, 5), 5) == pixels).all()


def test_a_line_is_as_strong_wherever_it_lies() -> None:
    strengths = set()
    for place in range(3, 8):
        pixels = np.zeros((11, 11, 3), dtype=np.uint8)
        pixels[:, place] = 255
        strengths.add(int(resize_area(Image.fromarray(pixels), (0, 0, 11, 11), 4)[0, :, 0].astype(int).sum()))
    assert max(strengths) - min(strengths) <= 2


def test_what_lies_outside_the_picture_is_background() -> None:
    resized = resize_area(Image.new("RGB", (4, 2), "white"), (0, -1, 4, 3), 4, background=(7, 8, 9))
    assert (resized[[0, 3]] == (7, 8, 9)).all() and (resized[1:3] == 255).all()


@pytest.mark.parametrize(
    ("size", "fit", "box"),
    [((6, 4), "crop", (1, 0, 5, 4)), ((6, 4), "pad", (0, -1, 6, 5)), ((4, 7), "crop", (0, 1, 4, 5))],
)
def test_squares_are_centred(size: tuple[int, int], fit: str, box: tuple[int, ...]) -> None:
    assert square_box(*size, fit) == box
