"""Claims about the digital fundus phantom."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganforge_dr.phantom import draw_patient, draw_phantom
from ganforge_dr.phantom_anatomy import FOVEA_DISTANCE, paint_disc, paint_retina
from ganforge_dr.phantom_canvas import Canvas
from ganforge_dr.phantom_vessels import AVASCULAR_RADIUS, MIN_WIDTH, grow_vessels

GRADES = st.integers(0, 4)
SEEDS = st.integers(0, 2**64)
FEW = settings(max_examples=15, deadline=None)
#: A change of more than this (of 255) in a pixel at 64 px is a lesion and no rounding.
VISIBLE = 12


def changed_fraction(grade: int, seeds: range) -> float:
    """Mean fraction of the pixels that the lesions of a grade change: the rest of a seed's picture is the same."""
    fractions = []
    for seed in seeds:
        change = np.abs(draw_phantom(grade, 64, seed).astype(int) - draw_phantom(0, 64, seed).astype(int))
        fractions.append((change.max(axis=2) > VISIBLE).mean())
    return float(np.mean(fractions))


def macular_spots(grade: int, seed: int) -> tuple[float, float]:
    """Fractions of the macula at 128 px whose green is darker, and brighter, than in the 9 x 9 pixels around."""
    eye, camera = draw_patient(seed)
    picture = draw_phantom(grade, 128, seed).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(picture[..., 1], (9, 9), axis=(0, 1))
    contrast = picture[4:-4, 4:-4, 1] / (windows.mean(axis=(2, 3)) + 1)
    distance = Canvas(128, camera.centre, camera.radius).distance(eye.fovea)[4:-4, 4:-4]
    # Without the fovea, and without the vessels of the arcades.
    is_macula = (distance > 0.07) & (distance < 0.38)
    dark = contrast < 0.85
    bright = contrast > 1.15
    return float(dark[is_macula].mean()), float(bright[is_macula].mean())


@FEW
@given(grade=GRADES, resolution=st.integers(8, 40), seed=SEEDS)
def test_same_arguments_give_the_same_bytes(grade, resolution, seed):
    np.random.seed(0)
    first = draw_phantom(grade, resolution, seed)
    np.random.seed(1)
    assert first.tobytes() == draw_phantom(grade, resolution, seed).tobytes()


@FEW
@given(grade=GRADES, seed=SEEDS)
def test_different_seeds_give_different_pictures(grade, seed):
    assert not np.array_equal(draw_phantom(grade, 16, seed), draw_phantom(grade, 16, seed + 1))


@pytest.mark.parametrize("resolution", [8, 17, 64, 100, 128, 256, 300])
def test_picture_is_square_rgb_of_the_wanted_side(resolution):
    picture = draw_phantom(4, resolution, 3)
    assert picture.shape == (resolution, resolution, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous


@FEW
@given(grade=GRADES, resolution=st.sampled_from([32, 64, 128]), seed=SEEDS)
def test_corners_are_black_and_the_middle_is_not(grade, resolution, seed):
    picture = draw_phantom(grade, resolution, seed)
    assert not picture[:: resolution - 1, :: resolution - 1].any()
    third = resolution // 3
    assert picture[third:-third, third:-third].mean() > 8


@FEW
@given(seed=SEEDS, grade=GRADES)
def test_picture_hardly_depends_on_the_canvas(seed, grade):
    small = draw_phantom(grade, 64, seed).astype(float)
    large = draw_phantom(grade, 256, seed).astype(float).reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - large).mean() < 8


def test_grade_outside_the_scale_is_refused():
    with pytest.raises(ValueError) as error:
        draw_phantom(5, 64, 0)
    assert str(error.value) == "grade must be 0, 1, 2, 3 or 4, not 5."


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError) as error:
        draw_phantom(-1, 4, -7)
    assert str(error.value) == (
        "grade must be 0, 1, 2, 3 or 4, not -1. resolution must be at least 8 pixels, not 4. "
        "seed must be 0 or greater, not -7."
    )


def test_lesions_change_more_of_the_picture_with_each_grade():
    load = [changed_fraction(grade, range(20)) for grade in range(5)]
    assert load[0] == 0
    assert 0 < load[1] < load[2] < load[3] < load[4]


def test_dark_and_bright_spots_tell_the_grade_over_different_eyes():
    means = np.array([np.mean([macular_spots(g, 100 * g + s) for s in range(20)], axis=0) for g in range(5)])
    dark, bright = means.T
    assert dark[0] < dark[1] < dark[2] < dark[3]
    assert dark[4] > dark[2]
    assert bright[2:].min() > 2 * bright[:2].max()


def test_eye_and_camera_do_not_depend_on_the_grade():
    """Most pixels of the five pictures of one seed are equal, noise included."""
    for seed in range(5):
        healthy, mild = draw_phantom(0, 64, seed), draw_phantom(1, 64, seed)
        assert (healthy == mild).mean() > 0.9


@FEW
@given(seed=SEEDS)
def test_disc_is_the_brightest_region_of_a_healthy_retina(seed):
    eye, _ = draw_patient(seed)
    canvas = Canvas(64, (0.0, 0.0), 1.0)
    picture = paint_retina(eye, canvas, np.random.default_rng(seed))
    paint_disc(picture, eye, canvas)
    brightness = picture.mean(axis=0)
    is_disc = canvas.distance(eye.disc) < 0.9 * eye.disc_radius
    is_elsewhere = (canvas.distance(eye.disc) > 1.3 * eye.disc_radius) & (canvas.distance((0, 0)) < 1)
    assert brightness[is_disc].mean() > np.quantile(brightness[is_elsewhere], 0.99)


def test_disc_is_the_brightest_region_of_most_healthy_photographs():
    """Not of all: glare at the rim can outshine it, as in real photographs."""
    hits = 0
    for seed in range(40):
        eye, camera = draw_patient(seed)
        brightness = draw_phantom(0, 64, seed).mean(axis=2)
        distance = Canvas(64, camera.centre, camera.radius).distance(eye.disc)
        is_disc = distance < eye.disc_radius
        hits += brightness[is_disc].mean() > np.quantile(brightness[~is_disc], 0.97)
    assert hits >= 32


@FEW
@given(seed=SEEDS)
def test_fovea_lies_temporal_of_the_disc_and_below_its_centre(seed):
    eye, _ = draw_patient(seed)
    temporal = -eye.side * (eye.fovea[0] - eye.disc[0])
    assert temporal == pytest.approx(FOVEA_DISTANCE * eye.disc_radius, rel=0.09)
    assert eye.fovea[1] > eye.disc[1]


def test_left_and_right_eyes_are_both_drawn():
    sides = [draw_patient(seed)[0].side for seed in range(100)]
    assert 30 < sides.count(1) < 70
    assert set(sides) == {-1, 1}


@FEW
@given(seed=SEEDS)
def test_no_vessel_enters_the_avascular_zone(seed):
    eye, _ = draw_patient(seed)
    for vessels in grow_vessels(eye, np.random.default_rng(seed)):
        points = vessels.points[vessels.widths > MIN_WIDTH]
        assert np.hypot(*(points - eye.fovea).T).min() > AVASCULAR_RADIUS * eye.disc_radius


@FEW
@given(seed=SEEDS)
def test_branches_are_narrower_than_trunks_and_veins_wider_than_arteries(seed):
    eye, _ = draw_patient(seed)
    generations = grow_vessels(eye, np.random.default_rng(seed))
    widths = [vessels.widths.max() for vessels in generations]
    assert widths == sorted(widths, reverse=True)
    trunks = generations[0]
    assert trunks.widths[trunks.is_vein].max() > trunks.widths[~trunks.is_vein].max()
