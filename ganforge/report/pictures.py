"""Pictures that stand in the page itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ganforge.data.decode import UnusableImage, decode
from ganforge.pictures import GAP
from ganforge.report.folder import Grid, RunRecord, at

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")

#: Sample grids in a page at most: the first, the last, and others at even distances.
MAX_FRAMES = 40
#: Longest side of a picture in pixels.
MAX_SIDE = 1280
#: Of WebP. At the first, a grid of 40 retinas of 64 pixels takes a tenth of its PNG, and no difference is seen at its
#: size. Noise, as of a generator that has learnt nothing, takes more: then the second, with fewer pixels if need be.
QUALITY, LOWER_QUALITY = 85, 50
#: Bytes; 40 grids of this size make a page of 5 MB.
LIMIT = 90_000


@dataclass(frozen=True)
class Picture:
    """A picture as an address that holds it, and the size at which it is shown."""

    address: Markup
    width: int
    height: int


@dataclass(frozen=True)
class Frame:
    """A sample grid of the timeline."""

    step: int
    #: Images seen by then; None where the batch isn't known.
    images: int | None
    picture: Picture


def embed(pixels: NDArray[np.uint8]) -> Picture:
    """pixels: (height, width, 3). Made smaller where a side is longer than MAX_SIDE. Holds pixels and nothing else."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(pixels))
    longest = max(image.size)
    if longest > MAX_SIDE:
        width, height = (max(1, round(side * MAX_SIDE / longest)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    content = base64.b64encode(_compressed(image)).decode()
    return Picture(Markup(f"data:image/webp;base64,{content}"), *image.size)  # noqa: S704 - letters, digits, + / =


def _compressed(image: Image.Image) -> bytes:
    content = _webp(image, QUALITY)
    if len(content) > LIMIT:
        content = _webp(image, LOWER_QUALITY)
    if len(content) > LIMIT:
        share = (LIMIT / len(content)) ** 0.5
        content = _webp(image.resize([max(1, int(share * side)) for side in image.size]), LOWER_QUALITY)
    return content


def _webp(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=quality, method=4)
    return buffer.getvalue()


def embed_file(path: Path, width: int | None = None) -> Picture:
    """The picture of a file, or so many pixels at its right. Raises UnusableImage with the reason."""
    try:
        now = path.stat()
    except OSError as error:
        raise UnusableImage("is not there") from error
    return _embedded(path, width, now.st_mtime_ns, now.st_size)


@lru_cache(maxsize=2 * MAX_FRAMES)
def _embedded(path: Path, width: int | None, changed: int, size: int) -> Picture:
    """A page that is served is made again with each row of metrics; its pictures stay."""
    pixels = np.asarray(decode(path))
    return embed(pixels if width is None else pixels[:, -width:])


def embed_grid(grid: Grid, record: RunRecord) -> Picture:
    """A sample grid of a run without the names of its rows, which the page has as text. Raises UnusableImage.

    Grids of older runs have no names.
    """
    side = at(record.recipe, "resolution", kind=int) or 0
    columns = at(record.recipe, "output", "columns", kind=int) or 0
    return embed_file(grid.path, columns * (side + GAP) - GAP if min(side, columns) > 0 else None)


def frames(record: RunRecord) -> tuple[list[Frame], list[str]]:
    """The grids of the timeline, and what is wrong with those that can't be read."""
    found, problems = [], []
    for grid in evenly(record.grids, MAX_FRAMES):
        try:
            picture = embed_grid(grid, record)
        except UnusableImage as reason:
            problems.append(f"samples/{grid.path.name} {reason}")
            continue
        found.append(Frame(grid.step, None if record.batch is None else grid.step * record.batch, picture))
    return found, problems


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, at even distances; the first and the last are among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]
