"""From tensors to picture files."""

# N images, H W pixels

from __future__ import annotations

import io
import math
import os
import textwrap
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from ganforge.files import write_bytes
from ganforge.phantoms import LEARNT_FROM_PHANTOMS

#: Pixels between the images of a tile.
GAP = 2
#: Letters in a line of a row's name.
_LETTERS = 16


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) in [-1, 1] -> uint8, the same shape; rounded to the nearest. On the CPU."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu().numpy()


def from_uint8(images: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1], the same shape, on the same device; `to_uint8` gives back the same."""
    return images.float().div_(127.5).sub_(1)


def tile(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """(N, 3, H, W) -> (height, width, 3), white gaps between the images."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), 255, np.uint8)
    for index, image in enumerate(images):
        y, x = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[y : y + height, x : x + width] = image.transpose(1, 2, 0)
    return sheet


def grid(images: NDArray[np.uint8], columns: int, classes: Sequence[str]) -> NDArray[np.uint8]:
    """A tile with a row for each class, and its name at the left; without classes, the tile alone."""
    sheet = tile(images, columns)
    return np.hstack([_margin(classes, images.shape[2], len(sheet)), sheet]) if classes else sheet


def _margin(classes: Sequence[str], side: int, height: int) -> NDArray[np.uint8]:
    size = min(side, max(12, side // 8))
    font = ImageFont.load_default(size)
    names = row_names(classes, most=max(1, side * 4 // (size * 5)))
    widest = max(font.getlength(line) for name in names for line in name.splitlines())
    margin = Image.new("RGB", (math.ceil(widest) + size, height), "white")
    draw = ImageDraw.Draw(margin)
    for row, name in enumerate(names):
        middle = (margin.width - size // 2, row * (side + GAP) + side // 2)
        draw.multiline_text(middle, name, "black", font, anchor="rm", align="right", spacing=size // 4)
    return np.asarray(margin)


def row_names(classes: Sequence[str], most: int) -> list[str]:
    """The names in short lines, of which no more than `most`: then the end is cut off.

    A name that can't be written, or would look like another, is `label 3` instead.
    """
    found = [_wrapped(writable(name, f"label {label}"), most) for label, name in enumerate(classes)]
    counts = Counter(found)
    return [name if counts[name] == 1 else f"label {label}" for label, name in enumerate(found)]


def _wrapped(text: str, most: int) -> str:
    lines = textwrap.wrap(text, _LETTERS)
    if len(lines) > most:
        lines[most - 1 :] = [f"{lines[most - 1][: _LETTERS - 3]}..."]
    return "\n".join(lines)


def writable(text: str, instead: str) -> str:
    """The text as Pillow's own font has it, in ASCII alone: without accents, and `instead` of other scripts."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    return plain if plain.isascii() and plain.isprintable() and plain.strip() else instead


@dataclass(frozen=True)
class Mark:
    """What a generated picture says of itself, and nothing else.

    recipe: its hash; None where the picture lies in the folder of its run, in which the same run elsewhere has the same
    bytes.
    """

    recipe: str | None
    is_phantom: bool

    def texts(self) -> dict[str, str]:
        """For a PNG file, under keywords of its specification."""
        source = "generated, not a photograph"
        source += "" if self.recipe is None else f"; recipe {self.recipe}"
        texts = {"Software": "ganforge", "Source": source}
        return {**texts, "Warning": LEARNT_FROM_PHANTOMS} if self.is_phantom else texts


def png_bytes(picture: NDArray[np.uint8], texts: Mapping[str, str]) -> bytes:
    """The content of a PNG file; picture: (height, width, 3); texts: what it says of itself, by keyword."""
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def save_png(path: Path, picture: NDArray[np.uint8], texts: Mapping[str, str]) -> None:
    """picture and texts: as of `png_bytes`."""
    write_bytes(path, png_bytes(picture, texts))


def is_marked(path: Path) -> bool:
    """Whether the file begins as a PNG that says ganforge made it."""
    with path.open("rb") as file:
        return b"tEXtSoftware\0ganforge" in file.read(512)


def is_whole_png(path: Path) -> bool:
    """Whether a file is there that begins and ends as a PNG does."""
    try:
        with path.open("rb") as file:
            begin = file.read(8)
            file.seek(-12, os.SEEK_END)
            return begin == b"\x89PNG\r\n\x1a\n" and file.read(8) == b"\0\0\0\0IEND"
    except OSError:  # not there, or too short
        return False
