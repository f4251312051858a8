"""Moving average of the generator's weights."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


class MovingAverage(Generic[N]):
    """A copy of a network whose parameters follow it: average += (1 - decay) * (current - average).

    The decay grows with the steps up to its final value, min(decay, (1 + step) / (10 + step)), so that the first
    values are forgotten even in a short run.
    """

    def __init__(self, network: N, decay: float) -> None:
        self.decay = decay
        self.network: N = copy.deepcopy(network).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow `network` after step number `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), 1 - decay)
        for average, current in zip(self.network.buffers(), network.buffers(), strict=True):
            average.copy_(current)
