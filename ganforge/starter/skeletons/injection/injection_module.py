"""What the injection computes. N batch, C channels, H W pixels."""

from __future__ import annotations

import torch
from ganforge.blocks.base import Context
from torch import Tensor, nn


class ScaleModule(nn.Module):
    """h * (1 + scale[label]): (N, C, H, W). The scale is zero at first, so that a fresh one changes nothing."""

    #: Parameters with a row for each class.
    class_rows = ("scale",)

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(num_classes, channels))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return h * (1 + self.scale[context.labels])[:, :, None, None]
