"""Upsampling, alone and together with the convolution behind it."""

# N batch, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def upsample(h: Tensor, mode: str) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W)."""
    return F.interpolate(h, scale_factor=2, mode=mode, align_corners=False if mode == "bilinear" else None)


def upsampled_conv3(h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """3x3 convolution, padding 1, of the nearest upsampling of h: (N, C, H, W) -> (N, C', 2H, 2W).

    weight: (C', C, 3, 3). Upsampling is h with zeros in between, summed over 2x2 pixels, and that sum may as well
    come after the convolution, which skips the zeros: 9/4 products for each output pixel and pair of channels in
    place of 9.
    """
    # without the bias: oneDNN's transposed convolutions are several times slower with one
    spread = F.conv_transpose2d(h, weight.flip(2, 3).transpose(0, 1), stride=2)
    out: Tensor = _SumOfFour.apply(spread)
    return out if bias is None else out + bias.to(out.dtype)[:, None, None]


class _SumOfFour(torch.autograd.Function):
    """Sum over 2x2 pixels, one pixel smaller; keeps nothing, where torch's own pooling keeps what went in."""

    @staticmethod
    def forward(ctx, h: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        return F.avg_pool2d(h, 2, stride=1, divisor_override=1)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        return F.avg_pool2d(gradient, 2, stride=1, padding=1, divisor_override=1)
