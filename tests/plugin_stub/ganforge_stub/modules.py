"""The module of the block."""

from __future__ import annotations

from torch import Tensor, nn

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
