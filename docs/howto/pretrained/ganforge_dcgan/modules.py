"""What the blocks compute."""

# N batch, C channels, E extra channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import Context, ConvBlock
from ganforge.blocks.operations import without_autocast


class StoredBatchNorm(nn.Module):
    """Batch norm by the statistics of the pretraining, in training as well: (N, C, H, W) -> the same.

    (h - running_mean) / sqrt(running_var + 1e-5) * weight + bias, one of each per channel. The statistics are
    buffers and never change; weight and bias can train.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, h: Tensor) -> Tensor:
        return F.batch_norm(h, self.running_mean, self.running_var, self.weight, self.bias, training=False)


class DCGANBlock(ConvBlock):
    """relu(norm(conv(h))), the convolution transposed and without a bias: (N, C, H, W) -> (N, C', H', W')."""

    adaptable = ("conv_0",)
    widening = ("conv_0",)

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.conv_0 = nn.ConvTranspose2d(in_channels, out_channels, kernel, stride, padding, bias=False)
        self.norm_0 = StoredBatchNorm(out_channels)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        return F.relu(self.norm_0(self.convolve("conv_0", h, context, extra)))


class DCGANImageBlock(ConvBlock):
    """tanh(conv(h)): (N, C, H, W) -> (N, 3, 2H, 2W) in [-1, 1], in the weights' format also under autocast."""

    adaptable = ("conv_0",)
    widening = ("conv_0",)

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv_0 = nn.ConvTranspose2d(in_channels, 3, 4, stride=2, padding=1, bias=False)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        with without_autocast(h):
            return torch.tanh(self.convolve("conv_0", h.to(self.conv_0.weight.dtype), context, extra))
