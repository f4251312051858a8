"""What the mapping network computes. N batch, Z latent, E additional inputs, W style."""

from __future__ import annotations

from ganforge.blocks.latent import WideLinear, pixel_norm
from torch import Tensor, nn
from torch.nn import functional as F


class ShallowModule(nn.Module):
    """z: (N, Z), extra: (N, E) or None -> w: (N, W). A label joins behind the normalisation."""

    def __init__(self, latent_dim: int, width: int) -> None:
        super().__init__()
        self.fc_0 = WideLinear(latent_dim, width)

    def widen(self, extra_channels: int) -> None:
        self.fc_0.widen(extra_channels)

    def forward(self, z: Tensor, extra: Tensor | None = None) -> Tensor:
        return F.leaky_relu(self.fc_0(pixel_norm(z), extra), 0.2)
