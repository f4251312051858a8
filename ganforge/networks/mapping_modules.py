"""Module of the mapping network."""

# N batch, Z latent, E extra inputs, W style

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.latent import WideLinear, pixel_norm


class MappingMLP(nn.Module):
    """z: (N, Z), extra: (N, E) or None -> w: (N, W).

    z alone is normalised to unit root mean square; a label embedding joins behind that (`extra`).
    """

    def __init__(self, latent_dim: int, width: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        for index in range(depth):
            layer = WideLinear(latent_dim if index == 0 else width, width)
            nn.init.normal_(layer.weight, std=0.1)  # Zhao's published value
            nn.init.zeros_(layer.bias)
            self.add_module(f"fc_{index}", layer)

    def _layer(self, index: int) -> WideLinear:
        layer = getattr(self, f"fc_{index}")
        assert isinstance(layer, WideLinear)
        return layer

    def widen(self, extra_channels: int) -> None:
        self._layer(0).widen(extra_channels)

    def forward(self, z: Tensor, extra: Tensor | None = None) -> Tensor:
        w = F.leaky_relu(self._layer(0)(pixel_norm(z), extra), 0.2)
        for index in range(1, self.depth):
            w = F.leaky_relu(self._layer(index)(w), 0.2)
        return w
