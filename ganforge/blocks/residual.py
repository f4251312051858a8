"""The residual block of GP-GAN."""

# N batch, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context, ConvBlock
from ganforge.blocks.operations import leaky_relu
from ganforge.blocks.pooling import average_pool
from ganforge.blocks.upsampling import upsample, upsampled_conv3


class ResidualBlock(ConvBlock):
    """shortcut(h) + scale * conv_1(lrelu(conv_0(lrelu(h)))), without normalisation.

    (N, in_channels, H, W) -> (N, out_channels, H, W). The shortcut is a 1x1 convolution without bias where the
    widths differ, else the identity. Extra channels enter conv_0 alone, so that the shortcut stays what it was.
    Source: Mescheder, Geiger & Nowozin 2018, appendix; parameter names are those of the published checkpoints.
    """

    adaptable = ("conv_0", "conv_1")
    widening = ("conv_0",)

    def __init__(self, in_channels: int, out_channels: int, residual_scale: float) -> None:
        super().__init__()
        hidden = min(in_channels, out_channels)
        self.residual_scale = residual_scale
        self.conv_0 = nn.Conv2d(in_channels, hidden, 3, padding=1)
        self.conv_1 = nn.Conv2d(hidden, out_channels, 3, padding=1)
        self.conv_s = nn.Conv2d(in_channels, out_channels, 1, bias=False) if in_channels != out_channels else None

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        ops = context.ops
        shortcut = h if self.conv_s is None else ops.shortcut(h, self.conv_s.weight)
        h = self.convolve("conv_0", ops.leaky_relu(h), context, extra)
        h = self.convolve("conv_1", ops.leaky_relu(h), context)
        return torch.add(shortcut, h, alpha=self.residual_scale)

    def forward_upsampled(self, h: Tensor, context: Context) -> Tensor:
        """forward(nearest upsampling of h), without ever computing on the upsampled features."""
        shortcut = h if self.conv_s is None else context.ops.shortcut(h, self.conv_s.weight)
        h = upsampled_conv3(leaky_relu(h), self.adapted_weight("conv_0"), self.conv_0.bias)
        h = self.convolve("conv_1", leaky_relu(h), context)
        return torch.add(upsample(shortcut, "nearest"), h, alpha=self.residual_scale)

    def forward_pooled(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        """average_pool(forward(h)): the shortcut computes behind its pooling, conv_1 at the pooled pixels alone."""
        ops = context.ops
        shortcut = average_pool(h)
        if self.conv_s is not None:
            shortcut = ops.shortcut(shortcut, self.conv_s.weight)
        h = self.convolve("conv_0", ops.leaky_relu(h), context, extra)
        h = ops.pooled_conv2d(ops.leaky_relu(h), self.adapted_weight("conv_1"), self.conv_1.bias)
        return torch.add(shortcut, h, alpha=self.residual_scale)
