"""Squares out of pictures, resized by area, so that no line falls between two pixels."""

# H W pixels of the source, R side of the result

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

#: left, top, right, bottom in whole pixels; may reach over the edges of the picture.
Box = tuple[int, int, int, int]


def square_box(width: int, height: int, fit: Literal["crop", "pad"]) -> Box:
    """The centred square inside the picture ("crop") or around it ("pad")."""
    side = min(width, height) if fit == "crop" else max(width, height)
    # Not floor division on a negative difference: that would put the odd pixel on different sides.
    left, top = int((width - side) / 2), int((height - side) / 2)
    return left, top, left + side, top + side


def resize_area(image: Image.Image, box: Box, resolution: int, background: tuple[int, int, int] = (0, 0, 0)) -> NDArray:
    """The square `box` of an RGB picture at R x R: uint8 (R, R, 3).

    Each pixel is the mean of the area that it covers, with fractions of pixels at its edges; what lies outside
    the picture is `background`. Where the box is smaller than R, it is enlarged with cubic interpolation.
    """
    from PIL import Image

    left, top, right, bottom = box
    if left < 0 or top < 0 or right > image.width or bottom > image.height:
        square = Image.new("RGB", (right - left, bottom - top), background)
        square.paste(image, (-left, -top))
    else:
        square = image if box == (0, 0, image.width, image.height) else image.crop(box)
    if square.width <= resolution:
        if square.width < resolution:
            square = square.resize((resolution, resolution), Image.Resampling.BICUBIC)
        return np.array(square, dtype=np.uint8)
    if square.width % resolution == 0:
        return np.array(square.reduce(square.width // resolution), dtype=np.uint8)
    factor = square.width // (4 * resolution)  # whole steps first: they are fast
    if factor > 1 and square.width % factor == 0:
        square = square.reduce(factor)
    pixels = np.asarray(square)  # (H, W, 3)
    rows = area_means(pixels, resolution)  # (R, W, 3)
    means = area_means(rows.transpose(1, 0, 2), resolution).transpose(1, 0, 2)  # (R, R, 3)
    return np.rint(means).clip(0, 255).astype(np.uint8)


def area_means(pixels: NDArray[Any], resolution: int) -> NDArray[np.float32]:
    """Means over R equal parts of the first axis, (S, ...) -> (R, ...); a pixel on an edge counts in both by its share.

    S >= R. No product of matrices: its threads would get in each other's way where files are prepared in parallel.
    """
    edges = np.arange(resolution + 1) * len(pixels) / resolution
    first = np.floor(edges[:-1]).astype(np.intp)
    # of the pixel on each edge, the share in front of it
    in_front = (edges[:-1] - first).astype(np.float32).reshape(-1, *[1] * (pixels.ndim - 1)) * pixels[first]
    sums = np.add.reduceat(pixels, first, axis=0, dtype=np.float32) - in_front
    sums[:-1] += in_front[1:]
    return sums * np.float32(resolution / len(pixels))
