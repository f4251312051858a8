"""From tensors to picture files."""

# N images, H W pixels

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from ganforge.files import write_bytes
from ganforge.phantoms import LEARNT_FROM_PHANTOMS


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) in [-1, 1] -> uint8, the same shape; rounded to the nearest. On the CPU."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu().numpy()


def from_uint8(images: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1], the same shape, on the same device; `to_uint8` gives back the same."""
    return images.float().div_(127.5).sub_(1)


def tile(images: NDArray[np.uint8], columns: int, gap: int = 2) -> NDArray[np.uint8]:
    """(N, 3, H, W) -> (height, width, 3), white gaps between the images."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        y, x = index // columns * (height + gap), index % columns * (width + gap)
        sheet[y : y + height, x : x + width] = image.transpose(1, 2, 0)
    return sheet


@dataclass(frozen=True)
class Mark:
    """What a generated picture says of itself, and nothing else."""

    recipe: str
    is_phantom: bool

    def chunks(self) -> PngInfo:
        """As text of the PNG file, under keywords of its specification."""
        info = PngInfo()
        info.add_text("Software", "ganforge")
        info.add_text("Source", f"generated, not a photograph; recipe {self.recipe}")
        if self.is_phantom:
            info.add_text("Warning", LEARNT_FROM_PHANTOMS)
        return info


def png_bytes(picture: NDArray[np.uint8], info: PngInfo | None = None) -> bytes:
    """The content of a PNG file; picture: (height, width, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def save_png(path: Path, picture: NDArray[np.uint8], title: str = "") -> None:
    """picture: (height, width, 3); title: as text of the PNG file, if any."""
    info = PngInfo()
    if title:
        info.add_text("Title", title)
    write_bytes(path, png_bytes(picture, info))


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
