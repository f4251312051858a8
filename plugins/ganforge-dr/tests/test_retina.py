"""The retina is found in photographs of every kind, and what is a square already stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganforge.data.decode import UnusableImage
from ganforge_dr.preparation import RetinaSquare
from ganforge_dr.retina import find_retina

DATA = os.environ.get("GANFORGE_TEST_DATA")
needs_photographs = pytest.mark.skipif(
    DATA is None, reason="set GANFORGE_TEST_DATA to a folder with fundus/ and fundus_raw/ to run this on photographs"
)


def disc(
    width: int,
    height: int,
    centre: tuple[float, float],
    radius: float,
    level: float = 160,
    background: float = 0,
    noise: float = 0,
    seed: int = 0,
) -> Image.Image:
    """A retina of one colour, darker towards its edge, on a background, with noise."""
    y, x = np.mgrid[:height, :width] + 0.5
    distance = np.hypot(x - centre[0], y - centre[1]) / radius
    shade = np.where(distance <= 1, level * (1 - 0.5 * distance**2), background)
    pixels = shade[..., None] * [1.0, 0.6, 0.3] if background == 0 else np.repeat(shade[..., None], 3, axis=2)
    pixels = pixels + np.random.default_rng(seed).normal(0, noise or 1e-9, pixels.shape)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def assert_found(image: Image.Image, centre: tuple[float, float], radius: float) -> None:
    retina = find_retina(image)
    assert retina is not None
    found = (retina.left + retina.side / 2, retina.top + retina.side / 2, retina.side / 2)
    assert found == pytest.approx((*centre, radius), abs=max(2.0, 0.04 * radius))


@settings(max_examples=25, deadline=None)
@given(st.integers(60, 100), st.integers(-20, 20), st.integers(0, 99))
def test_a_disc_is_found_wherever_it_lies(radius: int, shift: int, seed: int) -> None:
    centre = (180.0 + shift, 120.0 + shift // 2)
    assert_found(disc(360, 240, centre, radius, noise=3, seed=seed), centre, radius)


@pytest.mark.parametrize("level", [30, 60, 250])
def test_dark_and_bright_retinas_are_found(level: float) -> None:
    assert_found(disc(300, 220, (150, 110), 90, level=level, noise=1), (150, 110), 90)


def test_a_noisy_border_is_no_retina() -> None:
    assert_found(disc(300, 220, (150, 110), 90, level=120, noise=8), (150, 110), 90)


def test_a_white_border_is_cut_off_too() -> None:
    image = disc(300, 220, (150, 110), 90, background=255)
    assert_found(image, (150, 110), 90)
    retina = find_retina(image)
    assert retina is not None and retina.background == (255, 255, 255)


def test_a_retina_cut_at_top_and_bottom_keeps_its_circle() -> None:
    retina = find_retina(disc(300, 200, (150, 100), 130))
    assert retina is not None and retina.top < -20
    assert_found(disc(300, 200, (150, 100), 130), (150, 100), 130)


def test_writing_beside_the_retina_does_not_matter() -> None:
    image = disc(360, 240, (180, 120), 90)
    image.paste((255, 255, 255), (5, 225, 60, 235))
    assert_found(image, (180, 120), 90)


def test_large_pictures_are_searched_small_and_cut_large() -> None:
    assert_found(disc(1500, 1000, (800, 500), 400), (800, 500), 400)


def test_a_square_around_its_retina_stays_whole() -> None:
    retina = find_retina(disc(128, 128, (64, 64), 63))
    assert retina is not None and retina.box == (0, 0, 128, 128)


def test_a_picture_full_of_retina_stays_whole() -> None:
    retina = find_retina(Image.new("RGB", (120, 120), (150, 80, 40)))
    assert retina is not None and retina.box == (0, 0, 120, 120)


def test_preparing_twice_changes_nothing(tmp_path: Path) -> None:
    disc(360, 240, (170, 130), 90).save(tmp_path / "raw.png")
    once = RetinaSquare()(tmp_path / "raw.png", 64).pixels
    assert once is not None
    Image.fromarray(once).save(tmp_path / "once.png")
    twice = RetinaSquare()(tmp_path / "once.png", 64).pixels
    assert twice is not None and (once == twice).all()


def test_a_small_retina_is_cut_from_enough_pixels(tmp_path: Path) -> None:
    disc(1200, 1000, (600, 500), 120).save(tmp_path / "far.jpg", quality=95)
    assert RetinaSquare()(tmp_path / "far.jpg", 64).source_side >= 128


def test_a_black_picture_is_refused(tmp_path: Path) -> None:
    disc(120, 90, (60, 45), 40, level=3, noise=1).save(tmp_path / "black.png")
    with pytest.raises(UnusableImage, match=r"^shows no retina: nothing stands out of the background$"):
        RetinaSquare()(tmp_path / "black.png", 16)


@needs_photographs
def test_prepared_photographs_come_out_unchanged() -> None:
    files = sorted(Path(DATA or "").glob("fundus/*/*.jpg"))[::15]
    assert len(files) > 50
    for file in files:
        with Image.open(file) as image:
            assert (RetinaSquare()(file, image.width).pixels == np.asarray(image)).all(), file


@needs_photographs
def test_retinas_of_raw_photographs_fill_their_squares() -> None:
    files = sorted(Path(DATA or "").glob("fundus_raw/*"))
    assert len(files) > 20
    for file in files:
        pixels = RetinaSquare()(file, 64).pixels
        assert pixels is not None
        middle = pixels[28:36].max(axis=(0, 2)) > 16  # columns of the middle rows that are retina
        assert middle[3:-3].all(), file
        assert pixels[[0, 0, -1, -1], [0, -1, 0, -1]].max() < 40, file
