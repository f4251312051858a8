"""Spectral normalisation: weights divided by their largest singular value."""

# N batch, C channels, O rows of the weight, I all its other entries in a row

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import ConvBlock
from ganforge.blocks.operations import without_autocast


class SpectralNorm(nn.Module):
    """weight / sigma, with sigma = <u, W v> for the weight as a matrix W: (O, I).

    u: (O,) and v: (I,) follow the singular vectors of the largest singular value: while the weight trains, by one power
    iteration each time that it has changed. Computing again with the same weight therefore gives the same, and
    a frozen weight keeps the vectors that came with it. `sigma` tells whether the weight has changed.
    Source: Miyato et al. 2018, algorithm 1.
    """

    u: Tensor
    v: Tensor
    sigma: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        matrix = weight.detach().flatten(1)
        self.register_buffer("u", torch.randn(matrix.shape[0]))
        self.register_buffer("v", torch.zeros(matrix.shape[1]))
        self.register_buffer("sigma", torch.full((), torch.nan))
        if not matrix.is_meta:  # where a recipe is planned there are no numbers
            self._follow(matrix)

    def forward(self, weight: Tensor) -> Tensor:
        """weight: (O, ...) -> the same, in its own format also under autocast."""
        matrix = weight.flatten(1)
        with without_autocast(weight):
            if self.training and weight.requires_grad:
                self._follow(matrix.detach())
            # copies, since the vectors may move on before a gradient comes back
            sigma = torch.dot(self.u.clone(), torch.mv(matrix, self.v.clone()))
            return weight / sigma

    @torch.no_grad()
    def _follow(self, matrix: Tensor) -> None:
        has_changed = self._sigma_of(matrix) != self.sigma
        v = F.normalize(torch.mv(matrix.t(), self.u), dim=0)
        u = F.normalize(torch.mv(matrix, v), dim=0)
        # chosen on the device: asking for the answer here would make the processor wait for each weight
        self.v.copy_(torch.where(has_changed, v, self.v))
        self.u.copy_(torch.where(has_changed, u, self.u))
        self.sigma.copy_(self._sigma_of(matrix))

    def _sigma_of(self, matrix: Tensor) -> Tensor:
        return torch.dot(self.u, torch.mv(matrix, self.v))


class SpectralLinear(nn.Linear):
    """A fully connected layer with a spectrally normalised weight: (N, in) -> (N, out)."""

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias=bias)
        self.spectral = SpectralNorm(self.weight)

    def forward(self, h: Tensor) -> Tensor:
        return F.linear(h, self.normalised_weight(), self.bias)

    def normalised_weight(self) -> Tensor:
        weight: Tensor = self.spectral(self.weight)
        return weight


class SpectralBlock(ConvBlock):
    """Base of blocks whose convolutions, those named in `normalised`, are spectrally normalised.

    The norm `spectral_0` stands beside `conv_0`, as AdaFM does, and AdaFM acts on the normalised filters:
    gamma * (W / sigma) + beta. Extra weights are not normalised: they are no part of W. A subclass calls
    `add_spectral_norms` when its convolutions have their first values.
    """

    normalised: ClassVar[tuple[str, ...]] = ()
    reweighting = ("spectral", "adafm")

    def add_spectral_norms(self) -> None:
        for name in self.normalised:
            self.add_module(self.beside(name, "spectral"), SpectralNorm(self.convolution(name).weight))
