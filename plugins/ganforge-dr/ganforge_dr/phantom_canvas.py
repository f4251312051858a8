"""The drawing surface of the phantom: field coordinates, stencils, and the two ways in which paint meets the retina.

All anatomy is placed in *field units*: the camera's round field of view has radius 1 and centre (0, 0), x points
right and y down. A picture of any size therefore shows the same eye.
"""

# S side of the canvas in pixels, P points of a line; pictures are (3, S, S) float32, masks (S, S) float32 in 0..1

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[np.float32]
Colour = tuple[float, float, float]

#: Stencils are drawn at this multiple of the canvas and averaged down, which smooths their edges.
OVERSAMPLING = 2


@dataclass(frozen=True)
class Canvas:
    """A square of `side` pixels with the field of view in it; centre and radius are in half sides."""

    side: int
    centre: tuple[float, float]
    radius: float

    def grid(self) -> tuple[Array, Array]:
        """x: (1, S) and y: (S, 1) of the pixel centres, in field units."""
        half_sides = (np.arange(self.side, dtype=np.float32) + 0.5) * (2 / self.side) - 1
        x = (half_sides - self.centre[0]) / self.radius
        y = (half_sides - self.centre[1]) / self.radius
        return x[None, :], y[:, None]

    def window(self, point: tuple[float, float], radius: float) -> tuple[slice, slice]:
        """Rows and columns of the pixels in the square of half side `radius` around `point`."""
        half_side = self.side / 2
        x, y = ((1 + c + self.radius * p) * half_side for c, p in zip(self.centre, point, strict=True))
        reach = self.radius * radius * half_side
        return slice(max(0, int(y - reach)), max(0, int(y + reach))), slice(
            max(0, int(x - reach)), max(0, int(x + reach))
        )

    def distance(self, point: tuple[float, float]) -> Array:
        """(S, S) distance of each pixel to `point`, in field units."""
        x, y = self.grid()
        distance: Array = np.hypot(x - point[0], y - point[1])
        return distance


class Stencil:
    """A mask that is drawn in field units, with smooth edges; later strokes replace earlier ones."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._image = Image.new("L", (canvas.side * OVERSAMPLING,) * 2)
        self._draw = ImageDraw.Draw(self._image)
        half_side = canvas.side * OVERSAMPLING / 2
        self._scale = half_side * canvas.radius
        self._origin = (np.asarray(canvas.centre) + 1) * half_side

    def lines(self, points: NDArray[np.floating], widths: NDArray[np.floating], piece: int, level: float = 1.0) -> None:
        """Draw lines along points (V, P, 2) with widths (V, P), constant over `piece` steps; a width of 0 ends a line.

        What is thinner than a pixel is drawn fainter instead.
        """
        width_px = widths[:, ::piece] * self._scale
        fills = np.rint(255 * level * np.minimum(1, width_px)).astype(int).tolist()
        thickness = np.maximum(1, np.rint(width_px)).astype(int).tolist()
        for line, line_fills, line_thickness in zip(self._pixels(points), fills, thickness, strict=True):
            for i, fill in enumerate(line_fills):
                start = 2 * i * piece
                if not fill or start + 2 >= len(line):
                    break
                self._draw.line(line[start : start + 2 * piece + 2], fill=fill, width=line_thickness[i])

    def polygons(self, outlines: NDArray[np.floating], levels: NDArray[np.floating]) -> None:
        """Fill V outlines (V, P, 2) at levels (V,) in 0..1."""
        for outline, level in zip(self._pixels(outlines), levels.tolist(), strict=True):
            self._draw.polygon(outline, fill=round(255 * level))

    def array(self, blur: float = 0.0) -> Array:
        """The mask (S, S); blur: standard deviation in field units."""
        image = self._image.reduce(OVERSAMPLING)
        if blur > 0:
            image = image.filter(ImageFilter.GaussianBlur(blur * self._scale / OVERSAMPLING))
        return np.asarray(image, dtype=np.float32) * np.float32(1 / 255)

    def _pixels(self, points: NDArray[np.floating]) -> list[list[float]]:
        """x, y, x, y, ... of each line."""
        pixels: list[list[float]] = (
            (points * self._scale + self._origin).reshape(len(points), 2 * points.shape[1]).tolist()
        )
        return pixels


def absorb(picture: Array, mask: Array, transmitted: Colour) -> None:
    """Let a thin layer, such as blood, swallow light: where mask is 1, `transmitted` of each channel is left."""
    for i, fraction in enumerate(transmitted):
        picture[i] *= 1 - mask * np.float32(1 - fraction)


def cover(picture: Array, mask: Array, colour: Colour) -> None:
    """Hide the retina behind an opaque layer: where mask is 1, `colour` is all that one sees."""
    for i, value in enumerate(colour):
        picture[i] += mask * (np.float32(value) - picture[i])


def smooth_noise(rng: np.random.Generator, cells: int, side: int) -> Array:
    """(side, side) smooth random field of about unit deviation, with structures of size side / cells."""
    values = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC))


def blobs(
    rng: np.random.Generator,
    centres: NDArray[np.floating],
    radii: NDArray[np.floating],
    aspects: NDArray[np.floating] | float = 1.0,
    angles: NDArray[np.floating] | float = 0.0,
) -> NDArray[np.float64]:
    """Outlines (V, 16, 2) of irregular ellipses around centres (V, 2); each about as large as its circle."""
    number = len(centres)
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    phases = rng.uniform(0, 2 * np.pi, (2, number, 1))
    ragged = radii[:, None] * (1 + 0.14 * np.sin(2 * turn + phases[0]) + 0.1 * np.sin(3 * turn + phases[1]))
    stretch = np.sqrt(np.broadcast_to(aspects, number))[:, None]
    angle = np.broadcast_to(angles, number)[:, None]
    along, across = stretch * ragged * np.cos(turn), ragged / stretch * np.sin(turn)
    x, y = along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)
    return np.stack([x, y], axis=-1) + centres[:, None]
