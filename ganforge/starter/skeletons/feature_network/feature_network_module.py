"""What the feature network computes. N batch, H W pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class EdgesModule(nn.Module):
    """images: (N, 3, H, W) in [-1, 1] -> (N, 2, H / 2, W / 2) and (N, 2, H / 4, W / 4), rounded up."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        grey = images.mean(dim=1, keepdim=True)
        edges = torch.cat([grey - grey.roll(1, dim) for dim in (2, 3)], dim=1).square()
        half = F.avg_pool2d(edges, 2, ceil_mode=True)
        return half, F.avg_pool2d(half, 2, ceil_mode=True)
