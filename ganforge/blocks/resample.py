"""Blocks without parameters that change the side."""

# N batch, C channels, H W pixels

from __future__ import annotations

from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.blocks.pooling import average_pool
from ganforge.blocks.upsampling import upsample


class Upsample(nn.Module):
    """(N, C, H, W) -> (N, C, 2H, 2W)."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return upsample(h, self.mode)


class AveragePool(nn.Module):
    """3x3 average pooling: (N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2)); the border counts as zeros."""

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return average_pool(h)
