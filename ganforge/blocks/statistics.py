"""An affine that gives a frozen trunk the statistics that it was trained on."""

# N batch, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context


class StatisticsAffine(nn.Module):
    """x = layer_norm(h) over (H, W) with learned elementwise scale; out = gradient_scale * x + detach(x) * w + b.

    (N, C, H, W) -> the same; w near `gain` and b near 0, one per channel. The small gradient scale keeps a large
    w from amplifying the gradient of the head below. At the published gain of 1000 and scale of 0.01 the trunk
    sees features about as large as those of the pretrained GP-GAN.
    Source: published code of Zhao, Cong & Carin 2020.
    """

    def __init__(self, channels: int, height: int, width: int, gain: float, gradient_scale: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm([height, width])
        self.gradient_scale = gradient_scale
        self.weight = nn.Parameter(gain + torch.randn(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.randn(1, channels, 1, 1))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        x = self.norm(h)
        return self.gradient_scale * x + x.detach() * self.weight + self.beta
