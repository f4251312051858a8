"""Arteries and veins of the phantom: two arcades around the macula, nasal trunks, and three generations of branches.

Each generation is grown at once. The frame of growth has the disc at the origin, x towards the fovea and y towards
the upper edge of the picture, so that left and right eyes need no case of their own.
"""

# V vessels of a generation, P points of a vessel; all lengths in field units

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganforge_dr.phantom_anatomy import Eye
from ganforge_dr.phantom_canvas import Array, Canvas, Stencil

Vector = NDArray[np.float64]

TRUNK_POINTS = 41
#: Children per vessel, points per child, and child length in disc-to-fovea distances, by generation.
BRANCHING = ((6, 16, (0.45, 1.0)), (3, 10, (0.2, 0.5)), (1, 6, (0.1, 0.25)))
#: Contrast by generation: small vessels hold less blood.
LEVELS = (1.0, 0.85, 0.7, 0.55)
#: Disc radii around the fovea that no vessel enters: the foveal avascular zone, and a little more.
AVASCULAR_RADIUS = 0.75
#: Vessels narrower than this can't be seen.
MIN_WIDTH = 0.003


@dataclass(frozen=True)
class Vessels:
    """One generation. points: (V, P, 2); widths: (V, P), 0 where a vessel has ended; is_vein: (V,)."""

    points: Vector
    widths: Vector
    is_vein: NDArray[np.bool_]


def grow_vessels(eye: Eye, rng: np.random.Generator) -> list[Vessels]:
    """Trunks first, then their branches, in field units."""
    distance = float(np.hypot(eye.fovea[0] - eye.disc[0], eye.fovea[1] - eye.disc[1]))
    tortuosity = rng.uniform(0.5, 1.6)
    generations = [_trunks(distance, eye.disc_radius, tortuosity, rng)]
    for children, num_points, lengths in BRANCHING:
        parents = generations[-1]
        span = (lengths[0] * distance, lengths[1] * distance)
        generations.append(_branches(parents, children, num_points, span, tortuosity, rng))
    return [_placed(vessels, eye, distance) for vessels in generations]


def beaded(trunks: Vessels, rng: np.random.Generator) -> Vessels:
    """The trunks with veins that swell and narrow like beads on a string, a sign of severe retinopathy."""
    num_vessels, num_points = trunks.widths.shape
    phase = rng.uniform(0, 2 * np.pi, (num_vessels, 1))
    waves = np.sin(np.arange(num_points) * (2 * np.pi / 8) + phase)
    swelling = 1 + 0.5 * waves * trunks.is_vein[:, None] * (np.arange(num_points) > 6)
    return Vessels(trunks.points, trunks.widths * swelling, trunks.is_vein)


def vessel_masks(generations: list[Vessels], canvas: Canvas) -> tuple[Array, Array]:
    """Masks (S, S) of arteries and veins; wide arteries have a lighter centre line, the reflex of the vessel wall."""
    stencils = Stencil(canvas), Stencil(canvas)
    for depth, vessels in reversed(list(enumerate(generations))):
        widths = vessels.widths * (vessels.widths > MIN_WIDTH)
        for stencil, is_kind in zip(stencils, (~vessels.is_vein, vessels.is_vein), strict=True):
            piece = 2 if depth == 0 else 5
            stencil.lines(vessels.points[is_kind], widths[is_kind], piece, LEVELS[depth])
    arteries = generations[0].points[~generations[0].is_vein]
    stencils[0].lines(arteries, 0.3 * generations[0].widths[~generations[0].is_vein], piece=2, level=0.6)
    return stencils[0].array(), stencils[1].array()


def _trunks(distance: float, disc_radius: float, tortuosity: float, rng: np.random.Generator) -> Vessels:
    """Eight trunks: artery and vein, up and down, around the macula and to the nasal side, as arcs of ellipses."""
    up = np.tile((1.0, -1.0), 4)[:, None]
    temporal = np.repeat((1.0, -1.0), 4)[:, None]
    is_temporal = temporal > 0
    is_vein = np.tile((False, False, True, True), 2)
    half_width = distance * np.where(is_temporal, rng.uniform(1.0, 1.6, (8, 1)), rng.uniform(0.7, 1.3, (8, 1)))
    half_height = distance * np.where(is_temporal, rng.uniform(0.72, 1.05, (8, 1)), rng.uniform(0.5, 1.1, (8, 1)))
    slant = np.where(is_temporal, rng.uniform(-0.1, 0.45, (8, 1)), rng.uniform(0.2, 0.9, (8, 1)))
    arc = np.linspace(0, 1, TRUNK_POINTS)
    # An arcade ends near the temporal raphe, a nasal trunk in the periphery.
    turn = arc * np.where(is_temporal, rng.uniform(2.0, 2.7, (8, 1)), rng.uniform(1.2, 1.9, (8, 1)))
    x = temporal * (half_width * (1 - np.cos(turn)) + slant * half_height * np.sin(turn))
    y = up * half_height * np.sin(turn)
    phase = rng.uniform(0, 2 * np.pi, (2, 3, 8, 1))
    frequency = rng.uniform(1.0, 2.2, (2, 3, 8, 1)) * np.array((4.0, 9.0, 18.0))[None, :, None, None]
    amplitude = np.array((0.028, 0.013, 0.006))[None, :, None, None]
    sway = (np.sin(arc * frequency + phase) * amplitude).sum(axis=1) * np.minimum(1, 4 * arc) * tortuosity
    origin = rng.uniform(-0.12, 0.12, (2, 8, 1)) * disc_radius
    points = np.stack([x + sway[0] + origin[0], y + sway[1] + origin[1]], axis=-1)
    width = np.where(is_vein, 0.036, 0.025) * np.where(is_temporal[:, 0], 1.0, 0.7) * rng.uniform(0.85, 1.15, 8)
    # Trunks surface in the cup, so they begin thin.
    surfacing = np.minimum(1, 0.4 + 6 * arc)
    return Vessels(points, width[:, None] * (1 - 0.6 * arc) * surfacing, is_vein)


def _branches(
    parents: Vessels,
    children: int,
    num_points: int,
    lengths: tuple[float, float],
    tortuosity: float,
    rng: np.random.Generator,
) -> Vessels:
    """The next generation: `children` per parent, each leaving at an angle and bending back to its parent's course."""
    num_vessels, num_parent_points = parents.widths.shape
    shape = (num_vessels, children)
    slots = (np.arange(children) + rng.uniform(0.1, 0.9, shape)) / children
    joint = np.clip((0.16 + 0.84 * slots) * (num_parent_points - 2), 0, num_parent_points - 2).astype(int)
    parent = np.arange(num_vessels)[:, None]
    origin = parents.points[parent, joint].reshape(-1, 1, 2)
    course = parents.points[parent, joint + 1] - parents.points[parent, joint]
    heading = np.arctan2(course[..., 1], course[..., 0]).reshape(-1, 1)
    side = np.where((np.arange(children) + rng.integers(0, 2, (num_vessels, 1))) % 2, 1.0, -1.0).reshape(-1, 1)
    angle = side * rng.uniform(0.45, 1.1, (len(heading), 1))
    along = np.linspace(0, 1, num_points - 1)
    frequency, phase = (
        rng.uniform((4.0,), (11.0,), (2, len(heading), 1)),
        rng.uniform(0, 2 * np.pi, (2, len(heading), 1)),
    )
    sway = 0.2 * tortuosity * np.sin(along * frequency + phase).sum(axis=0)
    heading = heading + angle * (1 - rng.uniform(0.2, 0.9, (len(heading), 1)) * along) + sway
    length = rng.uniform(*lengths, (len(heading), 1)) * (1.1 - 0.5 * slots.reshape(-1, 1))
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=-1) * (length / (num_points - 1))[..., None]
    points = np.concatenate([origin, origin + np.cumsum(steps, axis=1)], axis=1)
    width = parents.widths[parent, joint].reshape(-1, 1) * rng.uniform(0.45, 0.7, (len(heading), 1))
    widths = width * (1 - 0.45 * np.linspace(0, 1, num_points))
    return Vessels(points, widths, np.repeat(parents.is_vein, children))


def _placed(vessels: Vessels, eye: Eye, distance: float) -> Vessels:
    """Into the field, where vessels end at the avascular zone and never start again."""
    towards_fovea = (np.asarray(eye.fovea) - np.asarray(eye.disc)) / distance
    upwards = np.array((towards_fovea[1], -towards_fovea[0])) * np.sign(towards_fovea[0])
    points = vessels.points @ np.stack([towards_fovea, upwards]) + np.asarray(eye.disc)
    is_allowed = np.hypot(*np.moveaxis(points - np.asarray(eye.fovea), -1, 0)) > AVASCULAR_RADIUS * eye.disc_radius
    return Vessels(points, vessels.widths * np.logical_and.accumulate(is_allowed, axis=1), vessels.is_vein)
