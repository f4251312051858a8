"""Randomness as a function of (seed, purpose, sample): nothing depends on what was drawn before.

A run that is resumed, split over processes or given other batch sizes draws the same numbers for the same samples.
"""

# N samples

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from ganforge.devices import moved


def derive_seed(seed: int, *path: str | int) -> int:
    """A seed of 63 bits for one purpose; different paths give independent seeds."""
    text = "/".join(str(part) for part in (seed, *path))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


class Draws:
    """Random numbers for a batch, one generator per sample, always on the CPU and moved to `device`."""

    def __init__(self, seed: int, purpose: str, samples: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._generators = [torch.Generator().manual_seed(derive_seed(seed, purpose, sample)) for sample in samples]

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape), standard normal."""
        drawn = [torch.randn(shape, generator=generator) for generator in self._generators]
        return moved(torch.stack(drawn), self.device)

    def uniform(self, *shape: int) -> Tensor:
        """(N, *shape), uniform in [0, 1)."""
        return moved(self.uniform_on_cpu(*shape), self.device)

    def uniform_on_cpu(self, *shape: int) -> Tensor:
        """The same, not moved to the device."""
        return torch.stack([torch.rand(shape, generator=generator) for generator in self._generators])

    def noise(self, height: int, width: int) -> Tensor:
        """(N, 1, height, width), standard normal: the noise source of a `Context`."""
        return self.normal(1, height, width)


def draw_categories(draws: Draws, probabilities: Tensor) -> Tensor:
    """(N,) int64 on the CPU, category i with probability probabilities[i].

    probabilities: (K,), float64 on the CPU, sum 1.
    """
    edges = probabilities.cumsum(0)
    return torch.searchsorted(edges, draws.uniform_on_cpu().double(), right=True).clamp_(max=len(edges) - 1)
