"""Upsampling, alone and together with the convolution behind it."""

# N batch, C channels, H W pixels

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def upsample(h: Tensor, mode: str) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W)."""
    return F.interpolate(h, scale_factor=2, mode=mode, align_corners=False if mode == "bilinear" else None)


def upsampled_conv3(h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """3x3 convolution, padding 1, of the nearest upsampling of h: (N, C, H, W) -> (N, C', 2H, 2W).

    weight: (C', C, 3, 3). Each output pixel sees only 2x2 different pixels of h, so that one transposed convolution
    with a 4x4 kernel, of sums of neighbouring weights, does the same with 4 products in place of 9.
    """
    kernel = F.avg_pool2d(F.pad(weight.flip(2, 3), (1, 1, 1, 1)), 2, stride=1, divisor_override=1)
    return F.conv_transpose2d(h, kernel.transpose(0, 1), bias, stride=2, padding=1)
