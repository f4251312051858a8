"""The modules of the block and of the feature network."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import Context, ConvBlock


class Gate(ConvBlock):
    """h = conv_0(h); h * sigmoid(mean of h): (N, C, H, W) -> (N, C', H, W)."""

    adaptable = ("conv_0",)
    widening = ("conv_0",)

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        h = self.convolve("conv_0", h, context, extra)
        return h * h.mean(dim=(2, 3), keepdim=True).sigmoid()


class Edges(nn.Module):
    """images: (N, 3, H, W) -> (N, 2, H / 2, W / 2) and (N, 2, H / 4, W / 4), rounded up."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grey = images.mean(dim=1, keepdim=True)
        edges = torch.cat([grey - grey.roll(1, dim) for dim in (2, 3)], dim=1).square()
        half = F.avg_pool2d(edges, 2, ceil_mode=True)
        return half, F.avg_pool2d(half, 2, ceil_mode=True)
