"""Self-attention over pixels."""

# N batch, C channels, H W pixels, A C / 8 channels that are compared, V C / 2 channels that are passed on

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import Context
from ganforge_zoo.spectral import SpectralBlock


class SelfAttention(SpectralBlock):
    """h + gamma * conv_o(g attended by softmax(theta^T phi)), 1x1 convolutions; (N, C, H, W) -> the same.

    phi and g are pooled to half the side, by the largest of 2x2 pixels. gamma is 0 at first.
    Source: Zhang et al. 2019, "Self-attention generative adversarial networks"; Wang et al. 2018, "Non-local neural
    networks"; the widths and the pooling are those of Brock, Donahue & Simonyan 2019.
    """

    normalised = ("conv_theta", "conv_phi", "conv_g", "conv_o")

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_theta = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.conv_phi = nn.Conv2d(channels, channels // 8, 1, bias=False)
        self.conv_g = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.conv_o = nn.Conv2d(channels // 2, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.add_spectral_norms()

    def forward(self, h: Tensor, context: Context) -> Tensor:
        theta = self.convolve("conv_theta", h, context).flatten(2)  # (N, A, HW)
        phi = F.max_pool2d(self.convolve("conv_phi", h, context), 2).flatten(2)  # (N, A, HW / 4)
        g = F.max_pool2d(self.convolve("conv_g", h, context), 2).flatten(2)  # (N, V, HW / 4)
        attention = torch.softmax(theta.transpose(1, 2) @ phi, dim=2)  # (N, HW, HW / 4)
        attended = (g @ attention.transpose(1, 2)).unflatten(2, h.shape[2:])
        return h + self.gamma.to(h.dtype) * self.convolve("conv_o", attended, context)
