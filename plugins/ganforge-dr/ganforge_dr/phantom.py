"""The digital fundus phantom: colour fundus photographs drawn by a program, with lesions by grade of retinopathy.

This is a phantom, for testing and demonstration. It is not a model of disease: nothing that is measured on its
pictures says anything about patients. It exists because every part of ganforge, the conditional training included,
must run and be tested where no patient's picture may be stored.

What varies with the grade is the lesions alone. Anatomy and camera come from the seed, so that the five grades of one
seed show the same eye in the same exposure; a data set should therefore use each seed once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganforge_dr.phantom_anatomy import Eye, draw_eye, paint_disc, paint_retina
from ganforge_dr.phantom_camera import Camera, draw_camera, expose, light
from ganforge_dr.phantom_canvas import Canvas, absorb
from ganforge_dr.phantom_lesions import LOADS, paint_lesions
from ganforge_dr.phantom_vessels import beaded, grow_vessels, vessel_masks

#: Grades of the international clinical diabetic retinopathy scale.
NUM_GRADES = len(LOADS)
MIN_RESOLUTION = 8
#: Smallest canvas; pictures are drawn on it, or at twice their size, and averaged down.
MIN_CANVAS = 256

#: What the streams of random numbers are for; the order is part of what a seed means.
PURPOSES = ("eye", "camera", "retina", "vessels", "lesions", "light", "sensor")
#: Fractions of red, green and blue that a vessel lets through.
ARTERY = (0.88, 0.57, 0.53)
VEIN = (0.70, 0.39, 0.39)


def draw_phantom(grade: int, resolution: int, seed: int) -> NDArray[np.uint8]:
    """A fundus photograph: RGB (resolution, resolution, 3) uint8, black around the round field of view.

    grade: 0 to 4; resolution: side in pixels, at least 8; seed: any integer >= 0, it decides eye and camera.
    The same arguments give the same bytes. Raises ValueError, with everything that is wrong.
    """
    _check(grade, resolution, seed)
    eye, camera = draw_patient(seed)
    canvas = Canvas(max(MIN_CANVAS, 2 * resolution), camera.centre, camera.radius)
    lesion_rng = _rng(seed, "lesions", grade)
    picture = paint_retina(eye, canvas, _rng(seed, "retina"))
    paint_disc(picture, eye, canvas)
    vessels = grow_vessels(eye, _rng(seed, "vessels"))
    if LOADS[grade].has_venous_beading:
        vessels[0] = beaded(vessels[0], lesion_rng)
    arteries, veins = vessel_masks(vessels, canvas)
    absorb(picture, arteries, ARTERY)
    absorb(picture, veins, VEIN)
    paint_lesions(picture, grade, eye, canvas, lesion_rng)
    light(picture, camera, canvas, _rng(seed, "light"))
    return expose(picture, camera, canvas, resolution, _rng(seed, "sensor"))


def draw_patient(seed: int) -> tuple[Eye, Camera]:
    """The eye and the camera of a seed, which are the same for every grade and resolution."""
    return draw_eye(_rng(seed, "eye")), draw_camera(_rng(seed, "camera"))


def _rng(seed: int, purpose: str, grade: int = 0) -> np.random.Generator:
    """A stream of its own for each purpose, so that a change of one part leaves the others as they were."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(PURPOSES.index(purpose), grade)))


def _check(grade: int, resolution: int, seed: int) -> None:
    problems = []
    if grade not in range(NUM_GRADES):
        problems.append(f"grade must be 0, 1, 2, 3 or 4, not {grade!r}.")
    if resolution < MIN_RESOLUTION:
        problems.append(f"resolution must be at least {MIN_RESOLUTION} pixels, not {resolution!r}.")
    if seed < 0:
        problems.append(f"seed must be 0 or greater, not {seed!r}.")
    if problems:
        raise ValueError(" ".join(problems))
