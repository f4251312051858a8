"""Features of EfficientNet-Lite0 at four scales."""

# N images, C channels, H W pixels

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

#: Number of the last block of each scale, and what its features are divided by: about their standard deviation on
#: photographs, retinas and flowers alike.
SCALES = {2: 8.0, 4: 8.0, 10: 8.0, 15: 4.0}


class EfficientNetFeatures(nn.Module):
    """images: (N, 3, H, W) in [-1, 1] -> four tensors (N, C, H / 4, W / 4) to (N, C, H / 32, W / 32), rounded down."""

    def __init__(self, network: Any, enlarge: int) -> None:
        """network: `efficientnet_lite_pytorch.EfficientNet`, whose input is (pixel - 127) / 128."""
        super().__init__()
        self.stem = nn.Sequential(network._conv_stem, network._bn0, nn.ReLU6())
        self.blocks = network._blocks
        self.enlarge = enlarge

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if self.enlarge > 1:
            images = F.interpolate(images, scale_factor=self.enlarge, mode="bilinear", align_corners=False)
        h = self.stem((images * 127.5 + 0.5) / 128)
        features = []
        for number, block in enumerate(self.blocks):
            h = block(h)
            if number in SCALES:
                features.append(h / SCALES[number])
        return tuple(features)
