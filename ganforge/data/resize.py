"""Squares out of pictures, resized by area, so that no line falls between two pixels."""

# H W pixels of the source, R side of the result

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

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
    shares = area_shares(square.width, resolution)
    pixels = np.asarray(square, dtype=np.float32)  # (H, W, 3)
    rows = np.tensordot(shares, pixels, axes=(1, 0))  # (R, W, 3)
    means = np.tensordot(rows, shares, axes=(1, 1))  # (R, 3, R)
    return np.rint(means.transpose(0, 2, 1)).clip(0, 255).astype(np.uint8)


def area_shares(size: int, resolution: int) -> NDArray[np.float32]:
    """float32 (R, size): the share of each source pixel in each of the R means; rows sum to 1."""
    edges = np.arange(resolution + 1, dtype=np.float64) * size / resolution
    pixels = np.arange(size, dtype=np.float64)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return (np.clip(covered, 0, None) * resolution / size).astype(np.float32)
