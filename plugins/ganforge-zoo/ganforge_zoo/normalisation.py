"""Batch normalisation with statistics that were measured once and stay as they are.

A network that is transferred keeps the statistics of its source, in training as in sampling: a few images of a new kind
would give poor ones, and a sample's result must not depend on the rest of its batch. What adapts is scale and shift.
"""

# N batch, W style, C channels, H W pixels, K classes

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge_zoo.spectral import SpectralLinear


class Statistics(nn.Module):
    """Mean and variance of each channel, (C,), from the source; 0 and 1 in a network without one."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def normalise(self, h: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """scale * (h - mean) / sd + shift; h: (N, C, H, W), scale and shift: (C,) or (N, C)."""
        # in float32 at least: in bfloat16 the sum would shift whole channels
        dtype, h = h.dtype, h.to(torch.promote_types(h.dtype, torch.float32))
        scale = scale * torch.rsqrt(self.running_var + self.eps)
        shift = shift - self.running_mean * scale
        return torch.addcmul(shift[..., None, None], h, scale[..., None, None]).to(dtype)


class BatchNorm(Statistics):
    """One scale and shift for each channel."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__(channels, eps)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, h: Tensor, context: Context) -> Tensor:
        return self.normalise(h, self.weight, self.bias)


class ClassBatchNorm(Statistics):
    """One scale and shift for each class and channel, a row of `embedding` for each class: (K, 2 C).

    Source: Dumoulin et al. 2017; Miyato & Koyama 2018.
    """

    class_rows = ("embedding.weight",)

    def __init__(self, channels: int, num_classes: int, eps: float = 1e-5) -> None:
        super().__init__(channels, eps)
        self.embedding = nn.Embedding(num_classes, 2 * channels)
        scale, shift = self.embedding.weight.data.chunk(2, dim=1)
        nn.init.normal_(scale, mean=1, std=0.02)  # torch-mimicry's value
        nn.init.zeros_(shift)

    def forward(self, h: Tensor, context: Context) -> Tensor:
        assert context.labels is not None
        scale, shift = self.embedding(context.labels).chunk(2, dim=1)
        return self.normalise(h, scale, shift)


class StyleBatchNorm(Statistics):
    """Scale 1 + A w and shift B w, with the style w: (N, W) and spectrally normalised A and B.

    Source: Brock, Donahue & Simonyan 2019, appendix B.
    """

    def __init__(self, channels: int, style_dim: int, eps: float) -> None:
        super().__init__(channels, eps)
        self.scale = SpectralLinear(style_dim, channels, bias=False)
        self.offset = SpectralLinear(style_dim, channels, bias=False)

    def forward(self, h: Tensor, context: Context) -> Tensor:
        assert context.style is not None
        return self.normalise(h, 1 + self.scale(context.style), self.offset(context.style))
