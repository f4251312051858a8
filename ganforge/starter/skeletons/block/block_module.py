"""What the block computes. N batch, C channels, H W pixels."""

from __future__ import annotations

from ganforge.blocks.base import Context, ConvBlock
from torch import Tensor, nn


class GateModule(ConvBlock):
    """h = conv_0(h); h * sigmoid(gate(mean of h)): (N, C, H, W) -> (N, C', H, W)."""

    #: Convolutions that AdaFM may adapt, and that take additional channels.
    adaptable = ("conv_0",)
    widening = ("conv_0",)

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.gate = nn.Linear(out_channels, out_channels)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        h = self.convolve("conv_0", h, context, extra)
        return h * self.gate(h.mean(dim=(2, 3))).sigmoid()[:, :, None, None]
