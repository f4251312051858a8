"""The healthy eye of the phantom without its vessels: pigment, choroid, macula, optic disc.

Sizes follow the usual rules of thumb of fundus reading: a field of 45 degrees is about seven disc diameters wide, and
the fovea lies about 2.5 disc diameters temporal of the disc and a little below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganforge_dr.phantom_canvas import Array, Canvas, Colour, absorb, cover, smooth_noise

#: Colours between which the pigment of a fundus is mixed: tan, pink, brown, orange-red, golden.
PIGMENTS = np.array(
    [(0.72, 0.52, 0.39), (0.77, 0.48, 0.41), (0.44, 0.27, 0.18), (0.80, 0.37, 0.17), (0.72, 0.47, 0.17)]
)
#: Distance from disc to fovea in disc radii: 2.5 disc diameters.
FOVEA_DISTANCE = 5.0


@dataclass(frozen=True)
class Eye:
    """One patient's eye; places and lengths in field units."""

    #: +1 for a right eye (disc on the right of the picture), -1 for a left eye.
    side: int
    disc: tuple[float, float]
    disc_radius: float
    #: Height of the disc over its width.
    disc_aspect: float
    cup_ratio: float
    fovea: tuple[float, float]
    macula_depth: float
    #: Whether the fovea mirrors the flash, as in young eyes.
    has_foveal_reflex: bool
    pigment: Colour
    #: How clearly choroidal vessels and mottling show through.
    choroid: float
    #: Sheen of the nerve fibres above and below the disc.
    sheen: float


def draw_eye(rng: np.random.Generator) -> Eye:
    """A random eye, right or left with equal chance."""
    side = int(rng.choice((-1, 1)))
    radius = rng.uniform(0.125, 0.155)
    disc = (side * rng.uniform(0.42, 0.7), rng.uniform(-0.13, 0.11))
    distance = FOVEA_DISTANCE * radius * rng.uniform(0.92, 1.08)
    pigment = rng.dirichlet(np.full(len(PIGMENTS), 0.7)) @ PIGMENTS
    return Eye(
        side=side,
        disc=disc,
        disc_radius=radius,
        disc_aspect=rng.uniform(1.0, 1.18),
        cup_ratio=rng.uniform(0.25, 0.6),
        fovea=(disc[0] - side * distance, disc[1] + distance * rng.uniform(0.02, 0.17)),
        macula_depth=rng.uniform(0.3, 0.65),
        has_foveal_reflex=bool(rng.random() < 0.15),
        pigment=(float(pigment[0]), float(pigment[1]), float(pigment[2])),
        choroid=rng.uniform(0.0, 1.0) ** 2,
        sheen=rng.uniform(0.0, 0.22),
    )


def paint_retina(eye: Eye, canvas: Canvas, rng: np.random.Generator) -> Array:
    """(3, S, S) colours of retina, choroid and macula, before the disc and the vessels."""
    side = canvas.side
    picture = np.empty((3, side, side), dtype=np.float32)
    mottling = 0.05 * smooth_noise(rng, 5, side) + 0.02 * smooth_noise(rng, 40, side)
    ridges = 1 - np.abs(smooth_noise(rng, 14, side)) * 1.4
    streaks = np.float32(0.13 * eye.choroid) * np.clip(ridges, 0, 1)
    # Choroidal vessels are seen as orange bands: they lift red and green, not blue.
    for channel, value, gain in zip(picture, eye.pigment, (1.0, 0.75, 0.2), strict=True):
        channel[:] = np.float32(value) * (1 + mottling + np.float32(gain) * (streaks - 0.04 * eye.choroid))
    _paint_macula(picture, eye, canvas)
    return picture


def paint_disc(picture: Array, eye: Eye, canvas: Canvas) -> None:
    """The optic disc with its cup and pink nasal rim, and the halo around it, in place."""
    # Beyond four radii the halo is gone.
    rows, columns = canvas.window(eye.disc, 4 * eye.disc_radius)
    x, y = canvas.grid()
    picture = picture[:, rows, columns]
    across = (x[:, columns] - eye.disc[0]) / eye.disc_radius
    up = (y[rows] - eye.disc[1]) / (eye.disc_radius * eye.disc_aspect)
    radius = np.hypot(across, up)
    halo = np.exp(-np.square(radius / 1.9))
    lobes = np.square(up) / (np.square(across) + np.square(up) + 0.3) * np.exp(-np.square((radius - 1.8) / 0.9))
    picture *= 1 + 0.22 * halo + np.float32(eye.sheen) * lobes
    disc = _soft_step(radius, 1.0, 0.09)
    # A thin dark crescent of pigment borders the disc on the temporal side.
    temporal = np.clip(-eye.side * across, 0, 1)
    absorb(picture, 0.35 * temporal * np.exp(-np.square((radius - 1.08) / 0.1)), (0.6, 0.55, 0.5))
    cover(picture, disc, (0.98, 0.78, 0.54))
    nasal = np.clip(eye.side * across, 0, 1)
    absorb(picture, disc * nasal, (0.97, 0.84, 0.78))
    cup_distance = np.hypot(across + 0.1 * eye.side, up)
    cover(picture, 0.8 * _soft_step(cup_distance, eye.cup_ratio, 0.14), (1.0, 0.95, 0.8))


def _paint_macula(picture: Array, eye: Eye, canvas: Canvas) -> None:
    rows, columns = canvas.window(eye.fovea, 4 * eye.disc_radius)
    picture = picture[:, rows, columns]
    radius = canvas.distance(eye.fovea)[rows, columns] / np.float32(eye.disc_radius)
    shade = np.float32(eye.macula_depth) * (
        0.55 * np.exp(-np.square(radius / 1.9)) + 0.5 * np.exp(-np.square(radius / 0.55))
    )
    absorb(picture, shade, (0.35, 0.05, 0.05))
    if eye.has_foveal_reflex:
        cover(picture, 0.4 * np.exp(-np.square(radius / 0.16)), (0.95, 0.8, 0.65))


def _soft_step(distance: Array, edge: float, softness: float) -> Array:
    """1 inside `edge`, 0 outside, with a linear ramp of 2 * softness."""
    ramp: Array = np.clip((edge + softness - distance) / (2 * softness), 0, 1)
    return ramp
