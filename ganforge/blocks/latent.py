"""Blocks on the latent: (N, Z, 1, 1)."""

# N batch, Z latent, E extra channels or embedding, C channels

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import Context


def pixel_norm(h: Tensor) -> Tensor:
    """h divided by its root mean square over channels (dim 1). Source: Karras et al. 2018, section 4.2."""
    return h * torch.rsqrt(h.square().mean(dim=1, keepdim=True) + 1e-8)


class PixelNorm(nn.Module):
    """`pixel_norm` as a block."""

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return pixel_norm(h)


class WideLinear(nn.Linear):
    """A fully connected layer that can be widened: `extra.weight` (out, E) takes extra inputs, zero at first."""

    def widen(self, extra_channels: int) -> None:
        self.extra = ZeroLinear(extra_channels, self.out_features)

    def forward(self, h: Tensor, extra: Tensor | None = None) -> Tensor:
        """h: (N, in), extra: (N, E) or None -> (N, out)."""
        out = super().forward(h)
        return out if extra is None else out + self.extra(extra)


class ZeroLinear(nn.Module):
    """A fully connected layer without bias whose weights are zero at first, whatever the initialisation."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out_features, in_features))

    def forward(self, h: Tensor) -> Tensor:
        return F.linear(h, self.weight)


class LatentToGrid(WideLinear):
    """Fully connected layer from the latent to the first grid: (N, Z, 1, 1) -> (N, channels, side, side)."""

    def __init__(self, latent_dim: int, channels: int, side: int) -> None:
        super().__init__(latent_dim, channels * side * side)
        self.grid = (channels, side, side)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:  # type: ignore[override]
        flat = super().forward(h.flatten(1), None if extra is None else extra.flatten(1))
        return flat.unflatten(1, self.grid)


class ClassEmbedding(nn.Embedding):
    """Concatenates an embedding of the label to the latent: (N, Z, 1, 1) -> (N, Z + E, 1, 1).

    Part of networks that are conditional by birth, as the published GP-GANs; a label that is added to an
    unconditional network enters by an injection instead. With one class the label is not read.
    """

    class_rows = ("weight",)

    def __init__(self, num_classes: int, dim: int, normalise: bool) -> None:
        super().__init__(num_classes, dim)
        self.num_classes = num_classes
        self.normalise = normalise

    def forward(self, h: Tensor, context: Context) -> Tensor:  # type: ignore[override]
        if self.num_embeddings == 1:
            embedding = self.weight.expand(len(h), -1)
        else:
            assert context.labels is not None
            embedding = super().forward(context.labels)
        if self.normalise:
            embedding = F.normalize(embedding, dim=1)
        return torch.cat([h, embedding[:, :, None, None]], dim=1)
