"""What Drift builds; apart from it, since importing torch takes seconds."""

from __future__ import annotations

from ganforge.training.logit_penalty import LogitPenalty
from torch import Tensor, zeros_like


class DriftModule(LogitPenalty):
    """Punishes large logits of real images."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def real(self, logits: Tensor) -> Tensor:
        """(N,) -> (N,)."""
        return self.weight * logits.square()

    def fake(self, logits: Tensor) -> Tensor:
        """(N,) -> (N,)."""
        return zeros_like(logits)
