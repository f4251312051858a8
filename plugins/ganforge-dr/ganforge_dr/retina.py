"""Where the retina is in a fundus photograph."""

# H W pixels of the picture; P edge points; x right, y down

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Side of the small picture in which the retina is looked for.
_SEARCH_SIDE = 256
#: A pixel belongs to the retina if it differs from the background by this share of what bright retina does ...
_CONTRAST = 0.12
#: ... and at least by this many of 255 levels, which is more than the noise of a dark background.
_MIN_CONTRAST = 5.0
#: A retina of smaller contrast can't be told from a picture without one.
_MIN_SIGNAL = 10.0
#: Percentile that stands for bright retina, which may be as little as a fiftieth of the picture.
_BRIGHT = 98
_NUM_TRIALS = 300
#: Share of the side of the search picture by which an edge point may miss the circle.
_TOLERANCE = 0.01
#: Edge points that vote on a trial circle; more add time, not accuracy.
_NUM_VOTERS = 250
#: A square picture is left whole where the square that was found is smaller by less than this share of its side ...
_SNAP_SIDE = 0.04
#: ... and off its place by less than this one.
_SNAP_SHIFT = 0.06


@dataclass(frozen=True)
class Retina:
    """The square around a retina, in pixels of the picture; it may reach over the picture's edges."""

    left: int
    top: int
    side: int
    #: Colour around the retina, which goes where the square reaches over the edges.
    background: tuple[int, int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.left + self.side, self.top + self.side


def find_retina(image: Image.Image) -> Retina | None:
    """The smallest square around the retina of an RGB picture; None where nothing stands out of the background.

    Black borders are cut off. A retina that the camera cut at the top and the bottom keeps its circle: the square
    reaches over the edges. A picture that is a square around its retina already comes back as a whole, and so does
    one that retina fills to its corners.
    """
    factor = max(1, max(image.size) // _SEARCH_SIDE)
    small = np.asarray(image.reduce(factor) if factor > 1 else image, dtype=np.float32)
    background = _background(small)
    if background is None:
        return _around(_whole(small), factor, image, (0, 0, 0))
    difference = _brightest(np.abs(small - background))
    signal = float(np.percentile(difference, _BRIGHT))
    if signal < _MIN_SIGNAL:
        return None
    mask = _without_specks(difference > max(_MIN_CONTRAST, _CONTRAST * signal))
    if not mask.any():
        return None
    circle = _fit_circle(_edge_points(mask), mask.shape)
    extent = _profile_extent(mask) if circle is None else _circle_extent(circle, mask.shape)
    colour = tuple(int(level) for level in np.rint(background))
    return _around(extent, factor, image, (colour[0], colour[1], colour[2]))


def _background(small: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Median colour of the four corners: (3,); None where the corners show retina."""
    height, width, _ = small.shape
    h, w = max(1, height // 25), max(1, width // 25)
    corners = [small[:h, :w], small[:h, -w:], small[-h:, :w], small[-h:, -w:]]
    colour = np.median(np.concatenate([corner.reshape(-1, 3) for corner in corners]), axis=0)
    bright = float(np.percentile(_brightest(small), _BRIGHT))
    is_dark = colour.max() < max(0.4 * bright, _MIN_SIGNAL)
    is_white = colour.min() > 235
    return colour if is_dark or is_white else None


def _without_specks(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A pixel stays, or is filled, with the majority of its 5 x 5 neighbourhood."""
    height, width = mask.shape
    padded = np.pad(mask.astype(np.uint8), 2, mode="edge")
    # rows, then columns: adding five shifted pictures twice is several times faster than windows
    rows = np.add.reduce([padded[shift : shift + height] for shift in range(5)], dtype=np.uint8)
    sums = np.add.reduce([rows[:, shift : shift + width] for shift in range(5)], dtype=np.uint8)
    is_majority: NDArray[np.bool_] = sums > 12
    return is_majority


def _brightest(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest of the three channels: (H, W, 3) -> (H, W); several times faster than `max` along a short axis."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    return np.maximum(np.maximum(red, green), blue)


def _edge_points(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Outermost retina points of each row and column as (P, 2) of x, y; without those on the picture's edges."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left = np.stack([mask[rows].argmax(axis=1), rows + 0.5], axis=1)
    right = np.stack([width - mask[rows, ::-1].argmax(axis=1), rows + 0.5], axis=1)
    top = np.stack([columns + 0.5, mask[:, columns].argmax(axis=0)], axis=1)
    bottom = np.stack([columns + 0.5, height - mask[::-1, columns].argmax(axis=0)], axis=1)
    points = np.concatenate([left, right, top, bottom]).astype(np.float64)
    x, y = points.T
    return points[(x > 1.5) & (x < width - 1.5) & (y > 1.5) & (y < height - 1.5)]


def _fit_circle(points: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[float, float, float] | None:
    """Centre x, y and radius of the circle that most points agree on (RANSAC, then least squares), or None.

    Text, reflexes and the notch of the camera's mask are outvoted by the round edge.
    """
    height, width = shape
    if len(points) < 12:
        return None
    trials = np.random.default_rng(0).integers(len(points), size=(_NUM_TRIALS, 3))
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, radius = _through_three(points[trials])
    possible = np.isfinite(radius) & (radius > 0.2 * min(shape)) & (radius < 0.75 * np.hypot(height, width))
    possible &= (x > 0.1 * width) & (x < 0.9 * width) & (y > 0.1 * height) & (y < 0.9 * height)
    x, y, radius = x[possible], y[possible], radius[possible]
    if not len(x):
        return None
    tolerance = max(1.0, _TOLERANCE * max(shape))
    voters = points[:: 1 + len(points) // _NUM_VOTERS]
    distances = np.hypot(voters[None, :, 0] - x[:, None], voters[None, :, 1] - y[:, None])
    votes = (np.abs(distances - radius[:, None]) < tolerance).sum(axis=1)
    winner = votes.argmax()
    circle = (float(x[winner]), float(y[winner]), float(radius[winner]))
    for _ in range(3):
        best = np.abs(np.hypot(points[:, 0] - circle[0], points[:, 1] - circle[1]) - circle[2]) < tolerance
        if best.sum() < max(12, 0.4 * len(points)):
            return None
        circle = _least_squares(points[best])
    return circle


def _through_three(triples: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Circles through triples (T, 3, 2): x, y, radius, each (T,); not finite where the three lie on a line."""
    (ax, ay), (bx, by), (cx, cy) = (triples[:, i].T for i in range(3))
    a, b, c = ax**2 + ay**2, bx**2 + by**2, cx**2 + cy**2
    twice = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
    x = (a * (by - cy) + b * (cy - ay) + c * (ay - by)) / twice
    y = (a * (cx - bx) + b * (ax - cx) + c * (bx - ax)) / twice
    return x, y, np.hypot(ax - x, ay - y)


def _least_squares(points: NDArray[np.float64]) -> tuple[float, float, float]:
    """The circle x^2 + y^2 + d x + e y + f = 0 that fits (P, 2) points best (Kasa 1976)."""
    design = np.column_stack([points, np.ones(len(points))])
    (d, e, f), *_ = np.linalg.lstsq(design, -(points**2).sum(axis=1), rcond=None)
    x, y = -d / 2, -e / 2
    return float(x), float(y), float(np.sqrt(max(x**2 + y**2 - f, 0.0)))


def _circle_extent(circle: tuple[float, float, float], shape: tuple[int, ...]) -> tuple[float, float, float]:
    """Left, top, side of the square around what is visible of a circle, centred on the circle where it fits."""
    height, width = shape
    x, y, radius = circle
    left, right = max(0.0, x - radius), min(float(width), x + radius)
    top, bottom = max(0.0, y - radius), min(float(height), y + radius)
    side = max(right - left, bottom - top)
    is_whole = side > 2 * radius - 2  # cut along one axis at most, so that the circle decides the centre
    if not is_whole:
        x, y = (left + right) / 2, (top + bottom) / 2
    return x - side / 2, y - side / 2, side


def _profile_extent(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Left, top, side of the square around the rows and columns that are more than specks."""
    (top, bottom), (left, right) = (_ends(mask.sum(axis=1)), _ends(mask.sum(axis=0)))
    side = max(right - left, bottom - top)
    return (left + right - side) / 2, (top + bottom - side) / 2, side


def _ends(profile: NDArray[np.int64]) -> tuple[float, float]:
    inside = np.flatnonzero(profile > 0.05 * profile.max())
    return float(inside[0]), float(inside[-1] + 1)


def _whole(small: NDArray[np.float32]) -> tuple[float, float, float]:
    height, width, _ = small.shape
    side = float(max(height, width))
    return (width - side) / 2, (height - side) / 2, side


def _around(
    extent: tuple[float, float, float], factor: int, image: Image.Image, background: tuple[int, int, int]
) -> Retina:
    """A square of the small picture in whole pixels of the large one, or the whole picture where it nearly is that."""
    left, top, side = (value * factor for value in extent)
    width, height = image.size
    shift = max(abs(left + (side - width) / 2), abs(top + (side - height) / 2))
    if width == height and abs(side - width) < _SNAP_SIDE * width and shift < _SNAP_SHIFT * width:
        return Retina(0, 0, width, background)
    return Retina(round(left), round(top), max(1, round(side)), background)
