"""Pictures of the generated images that are nearest to a training image. They show patients: only on request."""

# N images, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge_fid.memorisation import Nearest

if TYPE_CHECKING:
    from PIL import Image

#: Side in pixels from which an image is shown as it is; smaller ones are enlarged by a whole factor.
SHOWN = 128
GAP, LINE = 4, 14


@dataclass(frozen=True)
class Pair:
    """A generated image and the training image nearest to it, by their indices."""

    fake: int
    train: int
    #: Whether it is the mirrored training image that is near.
    is_mirrored: bool
    distance: float


def closest_pairs(found: Nearest, count: int) -> list[Pair]:
    """The `count` generated images that are nearest to a training image, nearest first; each is there once."""
    order = np.argsort(found.distances, kind="stable")[:count]
    return [Pair(int(i), int(found.indices[i]), bool(found.is_mirrored[i]), float(found.distances[i])) for i in order]


def write_panel(path: Path, fake: LabelledImages, train: LabelledImages, pairs: Mapping[str, Sequence[Pair]]) -> None:
    """A PNG with one column of pairs under each heading: generated image left, training image right.

    A training image that is near when mirrored is shown mirrored. It holds training images: keep it as you keep those.
    """
    from ganforge.pictures import save_png

    save_png(path, panel(fake, train, pairs), {"Software": "ganforge", "Warning": "holds training images"})


def panel(fake: LabelledImages, train: LabelledImages, pairs: Mapping[str, Sequence[Pair]]) -> NDArray[np.uint8]:
    """(height, width, 3), as `write_panel` stores it."""
    from PIL import Image, ImageDraw

    factor = -(-SHOWN // min(fake.images.shape[2:]))
    height, width = (factor * side for side in fake.images.shape[2:])
    column, row = 2 * width + 3 * GAP, height + 2 * LINE
    most = max((len(each) for each in pairs.values()), default=0)
    sheet = Image.new("RGB", (len(pairs) * column, LINE + most * row), "white")
    draw = ImageDraw.Draw(sheet)
    for x, (heading, each) in zip(range(0, len(pairs) * column, column), pairs.items(), strict=True):
        draw.text((x + GAP, 0), heading, fill="black")
        for y, pair in zip(range(LINE, LINE + most * row, row), each, strict=False):
            training = train.images[pair.train]
            sides = fake.images[pair.fake], training[..., ::-1] if pair.is_mirrored else training
            for left, image in zip((x + GAP, x + width + 2 * GAP), sides, strict=True):
                sheet.paste(_enlarged(image, factor), (left, y))
            mirrored = ", mirrored" if pair.is_mirrored else ""
            caption = f"{pair.distance:.3g}: generated {pair.fake}, training {pair.train}{mirrored}"
            draw.text((x + GAP, y + height), caption, fill="black")
    return np.asarray(sheet)


def _enlarged(image: NDArray[np.uint8], factor: int) -> Image.Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0).repeat(factor, 0).repeat(factor, 1)))
