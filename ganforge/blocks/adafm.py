"""Adaptive filter modulation: lets a frozen convolution adapt with 2 / k^2 of its parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AdaFM(nn.Module):
    """Uses a frozen filter bank W as gamma * W + beta, one gamma and beta for each pair of channels.

    W: (out, in, k, k); gamma, beta: (out, in, 1, 1), 1 and 0 at first, so that a fresh AdaFM changes nothing. In a
    transposed convolution in and out change places.
    Source: Zhao, Cong & Carin 2020, "On leveraging pretrained GANs for generation with limited data", section 3.3.
    """

    def __init__(self, out_channels: int, in_channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(out_channels, in_channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(out_channels, in_channels, 1, 1))

    def forward(self, weight: Tensor) -> Tensor:
        return self.gamma * weight + self.beta
