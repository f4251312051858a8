"""Lesions of diabetic retinopathy for the phantom, by grade of the international clinical scale (ICDR, 0 to 4).

Sizes and counts are larger than in most real pictures of the same grade, so that the grade can be told at 64 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganforge_dr.phantom_anatomy import Eye
from ganforge_dr.phantom_canvas import Array, Canvas, Stencil, absorb, blobs, cover

Range = tuple[int, int]


@dataclass(frozen=True)
class Load:
    """Smallest and largest number of each lesion in an eye of one grade."""

    microaneurysms: Range = (0, 0)
    haemorrhages: Range = (0, 0)
    #: Clusters of hard exudates.
    exudates: Range = (0, 0)
    cotton_wool_spots: Range = (0, 0)
    #: Tufts of new vessels.
    new_vessels: Range = (0, 0)
    has_venous_beading: bool = False


LOADS = (
    Load(),
    Load(microaneurysms=(7, 14)),
    Load(microaneurysms=(14, 24), haemorrhages=(7, 14), exudates=(1, 3)),
    Load(
        microaneurysms=(20, 34),
        haemorrhages=(28, 45),
        exudates=(1, 3),
        cotton_wool_spots=(4, 8),
        has_venous_beading=True,
    ),
    Load(
        microaneurysms=(14, 26),
        haemorrhages=(14, 30),
        exudates=(0, 2),
        cotton_wool_spots=(1, 5),
        new_vessels=(2, 4),
        has_venous_beading=True,
    ),
)

#: Fractions of red, green and blue that blood lets through.
BLOOD = (0.55, 0.20, 0.22)
FRESH_BLOOD = (0.50, 0.10, 0.10)
NEW_VESSEL = (0.72, 0.22, 0.25)


def paint_lesions(picture: Array, grade: int, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw the lesions of `grade` over a picture (3, S, S), in place. Grade 0 has none."""
    load = LOADS[grade]
    if grade == 4:
        _laser_scars(picture, eye, canvas, rng)
    _red_lesions(picture, load, grade, eye, canvas, rng)
    if load.cotton_wool_spots[1]:
        _cotton_wool_spots(picture, _count(load.cotton_wool_spots, rng), eye, canvas, rng)
    if load.exudates[1]:
        _exudates(picture, _count(load.exudates, rng), eye, canvas, rng)
    if load.new_vessels[1]:
        _new_vessels(picture, _count(load.new_vessels, rng), eye, canvas, rng)
        _preretinal_haemorrhage(picture, eye, canvas, rng)


def _count(limits: Range, rng: np.random.Generator) -> int:
    return int(rng.integers(limits[0], limits[1] + 1))


def _places(number: int, spread: float, eye: Eye, rng: np.random.Generator) -> NDArray[np.float64]:
    """(number, 2) places on the retina outside the disc: over the whole field, or near the fovea for a small spread."""
    points = np.empty((0, 2))
    while len(points) < number:
        if spread >= 1:
            radius, turn = 0.92 * np.sqrt(rng.random(2 * number)), rng.uniform(0, 2 * np.pi, 2 * number)
            drawn = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
        else:
            drawn = rng.normal(eye.fovea, spread, (2 * number, 2))
        from_disc = np.hypot(*(drawn - eye.disc).T) > 1.4 * eye.disc_radius
        from_fovea = np.hypot(*(drawn - eye.fovea).T) > 0.35 * eye.disc_radius
        points = np.concatenate([points, drawn[from_disc & from_fovea & (np.hypot(*drawn.T) < 0.93)]])
    return points[:number]


def _red_lesions(picture: Array, load: Load, grade: int, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Microaneurysms (small round dots) and dot, blot and flame haemorrhages."""
    if not load.microaneurysms[1]:
        return
    stencil = Stencil(canvas)
    spread = 0.42 if grade < 3 else 1.0
    dots = _places(_count(load.microaneurysms, rng), spread, eye, rng)
    stencil.polygons(blobs(rng, dots, rng.uniform(0.011, 0.019, len(dots))), rng.uniform(0.8, 1.0, len(dots)))
    places = _places(_count(load.haemorrhages, rng), spread, eye, rng)
    number = len(places)
    # Flames follow the nerve fibres, which leave the disc in all directions.
    is_flame = rng.random(number) < 0.25
    aspect = np.where(is_flame, rng.uniform(2.5, 4.0, number), rng.uniform(1.0, 1.6, number))
    from_disc = np.arctan2(places[:, 1] - eye.disc[1], places[:, 0] - eye.disc[0])
    angle = np.where(is_flame, from_disc, rng.uniform(0, np.pi, number))
    radius = np.clip(0.031 * np.exp(rng.normal(0, 0.35, number)), 0.018, 0.07)
    stencil.polygons(blobs(rng, places, radius, aspect, angle), rng.uniform(0.7, 1.0, number))
    absorb(picture, stencil.array(), BLOOD)


def _exudates(picture: Array, number: int, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Sharp yellow deposits in clusters, some of them in a ring around a leaking vessel."""
    stencil = Stencil(canvas)
    for centre in _places(number, 0.28, eye, rng):
        is_circinate = rng.random() < 0.4
        count, extent = _count((14, 30), rng), rng.uniform(0.09, 0.17)
        turn = rng.uniform(0, 2 * np.pi) + rng.uniform(0, rng.uniform(3.5, 6.3), count)
        radius = extent * (rng.normal(1, 0.12, count) if is_circinate else np.sqrt(rng.random(count)))
        places = centre + np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius[:, None]
        size = np.clip(0.013 * np.exp(rng.normal(0, 0.4, count)), 0.006, 0.032)
        stencil.polygons(blobs(rng, places, size, 1.3, turn), rng.uniform(0.75, 1.0, count))
    cover(picture, 0.9 * stencil.array(), (0.98, 0.86, 0.44))


def _cotton_wool_spots(picture: Array, number: int, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Fluffy pale patches of swollen nerve fibres, along the arcades."""
    turn = rng.uniform(0, 2 * np.pi, number)
    centre = 0.5 * (np.asarray(eye.disc) + np.asarray(eye.fovea))
    places = centre + np.stack([np.cos(turn), np.sin(turn)], axis=1) * rng.uniform(0.35, 0.7, (number, 1))
    puffs = np.repeat(places, 3, axis=0) + rng.normal(0, 0.02, (3 * number, 2))
    stencil = Stencil(canvas)
    outlines = blobs(rng, puffs, rng.uniform(0.025, 0.045, len(puffs)), 1.5, rng.uniform(0, np.pi, len(puffs)))
    stencil.polygons(outlines, rng.uniform(0.75, 1.0, len(puffs)))
    cover(picture, 0.9 * stencil.array(blur=0.014), (0.95, 0.88, 0.74))


def _new_vessels(picture: Array, number: int, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Fine tangled new vessels, at the disc (the first tuft, in half of the eyes) or elsewhere."""
    places = _places(number, 1.0, eye, rng)
    if rng.random() < 0.5:
        places[0] = eye.disc
    extent = rng.uniform(0.12, 0.2, (number, 1, 1))
    strands = 12  # of a tuft
    headings = np.linspace(0, 2 * np.pi, strands)[:, None] + np.cumsum(
        rng.normal(0, 0.6, (number, strands, 16)), axis=-1
    )
    steps = np.stack([np.cos(headings), np.sin(headings)], axis=-1) * (extent / 6)[..., None]
    points = (places[:, None, None] + np.cumsum(steps, axis=2)).reshape(-1, 16, 2)
    stencil = Stencil(canvas)
    stencil.lines(points, np.full(points.shape[:2], 0.0075), piece=15)
    absorb(picture, stencil.array(), NEW_VESSEL)


def _preretinal_haemorrhage(picture: Array, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Blood in front of the retina: boat-shaped with a level top, or a cloud that has broken into the vitreous."""
    place = _places(1, 1.0, eye, rng) * 0.85
    radius = rng.uniform(0.13, 0.24, 1)
    outline = blobs(rng, place, radius, rng.uniform(1.1, 1.8, 1))
    is_boat = rng.random() < 0.5
    if is_boat:
        height = outline[..., 1] - place[0, 1]
        outline[..., 1] = place[0, 1] + np.where(height < 0, 0.1, 1.1) * height
    stencil = Stencil(canvas)
    stencil.polygons(outline, np.array((1.0 if is_boat else 0.85,)))
    absorb(picture, stencil.array(blur=0.008 if is_boat else 0.05), FRESH_BLOOD)


def _laser_scars(picture: Array, eye: Eye, canvas: Canvas, rng: np.random.Generator) -> None:
    """Rows of pale burns with pigment in the periphery, in half of the eyes: panretinal photocoagulation."""
    if rng.random() < 0.5:
        return
    rows = np.arange(-1.0, 1.0, 0.14)
    grid = np.stack(np.meshgrid(rows, rows), axis=-1).reshape(-1, 2) + rng.normal(0, 0.03, (len(rows) ** 2, 2))
    centre = 0.5 * (np.asarray(eye.disc) + np.asarray(eye.fovea))
    is_peripheral = np.hypot(*((grid - centre) / (1.15, 1.0)).T) > 0.6
    burns = grid[is_peripheral & (rng.random(len(grid)) < 0.7) & (np.hypot(*grid.T) < 1.05)]
    radius = rng.uniform(0.025, 0.048, len(burns))
    pale, pigment = Stencil(canvas), Stencil(canvas)
    pale.polygons(blobs(rng, burns, radius), rng.uniform(0.35, 0.9, len(burns)))
    cores = blobs(rng, burns + rng.normal(0, 0.008, burns.shape), radius * 0.45, 1.2)
    pigment.polygons(cores, rng.choice((0.0, 0.8), len(burns)))
    cover(picture, 0.75 * pale.array(), (0.88, 0.74, 0.48))
    absorb(picture, pigment.array(), (0.4, 0.38, 0.38))
