"""Sample grids: rows are classes, and each column has one latent."""

# K classes, M columns

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganforge.blocks.base import Context
from ganforge.files import write_bytes
from ganforge.networks.staged import Generator
from ganforge.randomness import Draws


@torch.no_grad()
def grid_images(generator: Generator, rows: int, columns: int, seed: int) -> Tensor:
    """(rows * columns, 3, H, W) in [-1, 1], row by row.

    Conditional: row k shows class k, with the same latents and noise in each row. Else all latents differ.
    """
    samples = list(range(columns)) * rows if generator.is_conditional else list(range(rows * columns))
    device = next(generator.parameters()).device
    draws = Draws(seed, "grid", samples, device)
    z = draws.normal(generator.latent_dim)
    labels = torch.arange(rows, device=device).repeat_interleave(columns)
    images: Tensor = generator(z, labels, Context(noise=draws.noise))
    return images


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) in [-1, 1] -> uint8, the same shape; rounded to the nearest."""
    return ((images.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu().numpy()


def tile(images: NDArray[np.uint8], columns: int, gap: int = 2) -> NDArray[np.uint8]:
    """(N, 3, H, W) -> (height, width, 3), white gaps between the images."""
    n, _, height, width = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        y, x = index // columns * (height + gap), index % columns * (width + gap)
        sheet[y : y + height, x : x + width] = image.transpose(1, 2, 0)
    return sheet


def save_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """picture: (height, width, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())
