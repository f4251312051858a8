"""Adaptive discriminator augmentation: geometry and colour, each with a probability that follows overfitting."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.augmentation.base import Augmentation
from ganforge.randomness import Draws


class AdaptiveAugment(Augmentation):
    """Geometric and colour transforms, each applied with probability `p`; `p` follows the logits of real images.

    Where the mean sign of the logits of real images exceeds `target`, p grows, else it shrinks, at a speed that
    takes `adjust_images` images from 0 to 1. Strengths as in the source.
    Source: Karras, Aittala, Hellsten, Laine, Lehtinen & Aila 2020, "Training GANs with limited data", appendix B;
    pixel blitting, general geometry and colour (its "bgc" set). Unlike there, images are resampled bilinearly, without
    oversampling.
    """

    p: Tensor

    def __init__(self, target: float, adjust_images: int, initial: float, rotations: bool, colour: bool) -> None:
        super().__init__()
        self.target, self.adjust_images = target, adjust_images
        self.rotations, self.colour = rotations, colour
        self.register_buffer("p", torch.tensor(float(initial)))

    def observe(self, real_logits: Tensor) -> None:
        """Adapt p after a step; real_logits: (N,)."""
        sign = real_logits.detach().sign().mean()
        self.p += torch.sign(sign - self.target) * len(real_logits) / self.adjust_images
        self.p.clamp_(0, 1)

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        changed = self._geometry(images, draws)
        changed = self._colour(changed, draws) if self.colour else changed
        return changed.to(images.dtype)

    def _gate(self, draws: Draws) -> Tensor:
        """(N,) bool: which images get the next transform."""
        return draws.uniform() < self.p

    def _geometry(self, images: Tensor, draws: Draws) -> Tensor:
        height, width = images.shape[2:]
        one = torch.ones(len(images), device=images.device)

        mirrored = torch.where(self._gate(draws) & (draws.uniform() < 0.5), -one, one)
        transforms = [_scaling(mirrored, one)]
        if self.rotations:
            quarter = torch.floor(draws.uniform() * 4) * self._gate(draws)
            transforms.append(_rotation(quarter * (math.pi / 2)))
        shift = (draws.uniform(2) * 2 - 1) * 0.125 * self._gate(draws)[:, None]
        pixels = torch.tensor([width, height], device=images.device) / 2
        transforms.append(_translation(torch.round(shift * 2 * pixels) / pixels))

        scale = torch.exp2(draws.normal() * 0.2 * self._gate(draws))
        transforms += [_scaling(scale, scale), self._turn(draws)]
        stretch = torch.exp2(draws.normal() * 0.2 * self._gate(draws))
        transforms += [_scaling(stretch, 1 / stretch), self._turn(draws)]
        transforms.append(_translation(draws.normal(2) * 0.125 * 2 * self._gate(draws)[:, None]))
        return transformed(images.float(), transforms)

    def _turn(self, draws: Draws) -> Tensor:
        """Rotation by any angle; two of them together happen with probability p."""
        chosen = draws.uniform() < 1 - torch.sqrt(1 - self.p)
        angle = (draws.uniform() * 2 - 1) * math.pi * chosen
        return _rotation(angle if self.rotations else torch.zeros_like(angle))

    def _colour(self, images: Tensor, draws: Draws) -> Tensor:
        brightness = draws.normal() * 0.2 * self._gate(draws)
        contrast = torch.exp2(draws.normal() * 0.5 * self._gate(draws))
        inverted = (draws.uniform() < 0.5) & self._gate(draws)
        hue = (draws.uniform() * 2 - 1) * math.pi * self._gate(draws)
        saturation = torch.exp2(draws.normal() * self._gate(draws))
        images = (images + brightness[:, None, None, None]) * contrast[:, None, None, None]
        luma = images.mean(dim=1, keepdim=True)
        chroma = (images - luma) * saturation[:, None, None, None]
        return torch.where(inverted[:, None, None, None], -luma, luma) + _rotate_hue(chroma, hue)


def transformed(images: Tensor, transforms: Sequence[Tensor]) -> Tensor:
    """Images (N, 3, H, W) to which the transforms were done one after the other, mirrored beyond their edges.

    transforms: (N, 3, 3) each, the place that a place of its result shows, in halves of the sides.
    """
    matrix = reduce(torch.matmul, transforms)
    grid = F.affine_grid(matrix[:, :2], list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _rotate_hue(chroma: Tensor, angle: Tensor) -> Tensor:
    """Rotate (N, 3, H, W) about the grey axis (Rodrigues' formula; chroma has no part along the axis)."""
    axis = 1 / math.sqrt(3)
    red, green, blue = chroma.unbind(1)
    crossed = torch.stack([blue - green, red - blue, green - red], dim=1) * axis
    return chroma * angle.cos()[:, None, None, None] + crossed * angle.sin()[:, None, None, None]


def _matrix(rows: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[x, zero, zero], [zero, y, zero], [zero, zero, one]])


def _rotation(angle: Tensor) -> Tensor:
    zero, one, cos, sin = torch.zeros_like(angle), torch.ones_like(angle), angle.cos(), angle.sin()
    return _matrix([[cos, -sin, zero], [sin, cos, zero], [zero, zero, one]])


def _translation(shift: Tensor) -> Tensor:
    """shift: (N, 2) in halves of the side."""
    x, y = shift.unbind(1)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix([[one, zero, x], [zero, one, y], [zero, zero, one]])
