"""Pictures that a report draws from the generator itself: small, and the same ones for the same weights."""

# N images, Z latent, H W pixels

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganforge.blocks.base import Context
from ganforge.hardware import has_fast_bf16
from ganforge.networks.folding import folded
from ganforge.networks.staged import Generator
from ganforge.pictures import tile, to_uint8
from ganforge.randomness import Draws, derive_seed
from ganforge.report.pictures import Picture, embed
from ganforge.sampling import Sampler, grid_images

#: Other latents than those of the sample grids, whatever the recipe's seed.
SEED = derive_seed(0, "report")
#: Images generated at a time.
BATCH = 16


class _Extent(NamedTuple):
    """How much is drawn, so that it takes seconds: the published generator of 128 pixels needs about 0.1 s of a core
    an image."""

    #: Classes; of more, the first.
    rows: int
    columns: int
    mixed: int
    truncations: tuple[float, ...]


#: Largest side of the images -> extent.
_EXTENTS = {
    64: _Extent(10, 8, 5, (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)),
    128: _Extent(5, 6, 4, (1.0, 0.7, 0.4, 0.0)),
    256: _Extent(5, 4, 3, (1.0, 0.5, 0.0)),
}
_SMALLEST = _Extent(2, 3, 2, (1.0, 0.5))


@dataclass(frozen=True)
class Sheet:
    """A picture of several images in rows and columns."""

    title: str
    #: What to look for.
    text: str
    picture: Picture
    #: What each row and column shows; empty where that is nothing with a name.
    rows: Sequence[str]
    columns: Sequence[str]
    #: Side of one image in pixels.
    side: int


def draw_sheets(generator: Generator, classes: Sequence[str]) -> list[Sheet]:
    """Images by class, truncation and interpolation, and style mixing where the generator has a mapping network.

    The larger the images, the fewer; and in bfloat16 where the hardware computes that natively, as `Sampler` when fast.
    """
    device = next(generator.parameters()).device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=has_fast_bf16(device)):
        return _drawn(folded(generator), classes)


def _drawn(generator: Generator, classes: Sequence[str]) -> list[Sheet]:
    is_conditional = generator.is_conditional
    extent = _extent(grid_images(generator, 1, 1, SEED).shape[-1])
    names = list(classes[: extent.rows]) if is_conditional else [""] * min(4, extent.rows)
    some = f" The first {len(names)} of {len(classes)} classes." if is_conditional and len(classes) > len(names) else ""
    rows = names if is_conditional else []
    same = "The same latents in each column: what changes down a column is what the label does." + some
    by_class = to_uint8(grid_images(generator, len(names), extent.columns, SEED))
    return [
        _sheet(
            "By class" if is_conditional else "Images",
            same if is_conditional else "Latents at random.",
            by_class,
            extent.columns,
            rows,
        ),
        _sheet(
            "Truncation",
            "Each row one latent, drawn towards the mean: to the right more typical and less diverse.",
            _truncated(generator, len(names), extent.truncations),
            len(extent.truncations),
            rows,
            [f"{value:g}" for value in extent.truncations],
        ),
        _sheet(
            "Interpolation",
            "Each row goes from one latent to another. Even steps are a sign of a smooth generator; jumps between "
            "a few images are a sign of one that remembers.",
            _interpolated(generator, len(names), extent.columns),
            extent.columns,
            rows,
        ),
        *_mixing(generator, names[0], extent.mixed),
    ]


def _extent(side: int) -> _Extent:
    return next((extent for limit, extent in _EXTENTS.items() if side <= limit), _SMALLEST)


def _sheet(
    title: str,
    text: str,
    images: NDArray[np.uint8],
    columns: int,
    rows: Sequence[str],
    headings: Sequence[str] = (),
) -> Sheet:
    return Sheet(title, text, embed(tile(images, columns)), rows, headings, images.shape[-1])


def _truncated(generator: Generator, rows: int, truncations: Sequence[float]) -> NDArray[np.uint8]:
    """(rows * truncations, 3, H, W), row by row; row k is of class k."""
    device = next(generator.parameters()).device
    sampler = Sampler(generator, SEED, fast=has_fast_bf16(device), batch=BATCH)
    columns = []
    for truncation in truncations:
        sampler.truncation = truncation
        columns.append(sampler.images(list(range(rows)) if generator.is_conditional else [0] * rows))
    return np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])


def _interpolated(generator: Generator, rows: int, columns: int) -> NDArray[np.uint8]:
    """(rows * columns, 3, H, W): between the latents 2k and 2k + 1 in row k, along the sphere."""
    ends = _latents(generator, 2 * rows)
    shares = torch.linspace(0, 1, columns, device=ends.device)
    z = torch.cat([_slerp(ends[2 * row], ends[2 * row + 1], shares) for row in range(rows)])
    labels = [row if generator.is_conditional else 0 for row in range(rows) for _ in range(columns)]
    return _images(generator, z, labels, [row for row in range(rows) for _ in range(columns)])


def _mixing(generator: Generator, name: str, count: int) -> Iterator[Sheet]:
    """Latent i in row i, the style of latent j in column j; nothing where there is one path from latent to image."""
    z = _latents(generator, count)
    labels = [0] * count
    style = generator.style(z, torch.tensor(labels, device=z.device))
    if style is None:
        return
    pairs = [(row, column) for row in range(count) for column in range(count)]
    rows, others = (list(side) for side in zip(*pairs, strict=True))
    images = _images(generator, z[rows], [0] * len(pairs), [0] * len(pairs), style[others])
    first_row = images[others].astype(np.int16)
    if np.abs(images - first_row).max() <= 1:
        return  # it starts from its style, and reads the latent nowhere else
    text = "Rows share the latent that the first block starts from, columns the style that the later blocks read."
    text += f" All of class {name}." if name else ""
    yield _sheet("Style mixing", text, images, count, [])


def _latents(generator: Generator, count: int) -> Tensor:
    device = next(generator.parameters()).device
    return Draws(SEED, "report", range(count), device).normal(generator.latent_dim)


@torch.inference_mode()
def _images(
    generator: Generator, z: Tensor, labels: Sequence[int], noise: Sequence[int], style: Tensor | None = None
) -> NDArray[np.uint8]:
    """(N, 3, H, W); z: (N, Z); noise: N numbers, equal ones get the same noise; style: (N, W), None: that of z."""
    found = []
    for start in range(0, len(z), BATCH):
        part = slice(start, start + BATCH)
        draws = Draws(SEED, "report noise", noise[part], z.device)
        context = Context(style=None if style is None else style[part], noise=draws.noise)
        found.append(to_uint8(generator(z[part], torch.tensor(labels[part], device=z.device), context)))
    return np.concatenate(found)


def _slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """(C, Z), from start to end, (Z,), with norms between theirs: a line would pass where no latent is drawn."""
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    angle = torch.arccos(cosine).clamp_min(1e-4)
    weights = torch.sin(torch.stack([1 - shares, shares]) * angle) / torch.sin(angle)
    return weights[0, :, None] * start + weights[1, :, None] * end
