"""Flips and DiffAugment: differentiable, random per image."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from ganforge.augmentation.base import Augmentation
from ganforge.randomness import Draws


class Flip(Augmentation):
    """Mirrors each real image along `axis` with probability 1/2."""

    # Mirrored at random, retinas that all have their disc on the left look like those that have it on either side.
    reals_only: ClassVar[bool] = True

    def __init__(self, axis: str) -> None:
        super().__init__()
        self.dim = 3 if axis == "horizontal" else 2

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        chosen = draws.uniform(1, 1, 1) < 0.5
        return torch.where(chosen, images.flip(self.dim), images)


class DiffAugment(Augmentation):
    """Colour, translation and cutout, in this order, as published.

    Source: Zhao, Liu, Lin, Zhu & Han 2020, "Differentiable augmentation for data-efficient GAN training".
    """

    def __init__(self, colour: bool, translation: float, cutout: float) -> None:
        super().__init__()
        self.colour, self.translation, self.cutout = colour, translation, cutout

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        if self.colour:
            images = jitter(images, draws)
        if self.translation:
            images = translate(images, draws, self.translation)
        if self.cutout:
            images = cut_out(images, draws, self.cutout)
        return images


def jitter(images: Tensor, draws: Draws) -> Tensor:
    """Brightness +- 0.5, saturation x 0..2 and contrast x 0.5..1.5 of images in [-1, 1]."""
    brightness, saturation, contrast = draws.uniform(3, 1, 1, 1).unbind(1)
    images = images + (brightness - 0.5)
    grey = images.mean(dim=1, keepdim=True)
    images = (images - grey) * (2 * saturation) + grey
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return (images - mean) * (contrast + 0.5) + mean


def translate(images: Tensor, draws: Draws, share: float) -> Tensor:
    """Each image shifted by up to `share` of its side; what comes in is 0."""
    height, width = images.shape[2:]
    reach = (int(height * share + 0.5), int(width * share + 0.5))
    shifts = _integers(draws, -reach[0], reach[0]), _integers(draws, -reach[1], reach[1])
    rows = torch.arange(height, device=images.device) + shifts[0][:, None]
    columns = torch.arange(width, device=images.device) + shifts[1][:, None]
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
    samples = torch.arange(len(images), device=images.device)[:, None, None]
    picked = images.permute(0, 2, 3, 1)[
        samples, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return picked.permute(0, 3, 1, 2) * inside


def cut_out(images: Tensor, draws: Draws, share: float) -> Tensor:
    """A square of `share` of the side set to 0, its centre anywhere in the image."""
    height, width = images.shape[2:]
    rows, columns = _cut(draws, height, share), _cut(draws, width, share)
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _cut(draws: Draws, side: int, share: float) -> Tensor:
    """(N, side) bool: `share` of the side, around a pixel of an odd number, around an edge between two of an even."""
    size = int(side * share + 0.5)
    first = _integers(draws, 0, side - size % 2)[:, None] - size // 2
    places = torch.arange(side, device=first.device)
    return (first <= places) & (places < first + size)


def _integers(draws: Draws, low: int, high: int) -> Tensor:
    """(N,) int64, uniform in low..high, both included."""
    return (draws.uniform() * (high - low + 1)).long().clamp(max=high - low) + low
