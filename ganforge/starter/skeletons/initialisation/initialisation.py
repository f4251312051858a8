"""A rule for the first values of the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import InitialisationSpec
from pydantic import PositiveFloat

if TYPE_CHECKING:
    from torch import nn


class Orthogonal(InitialisationSpec):
    """Orthogonal weights and zero biases in convolutions and linear layers (Saxe et al. 2014)."""

    kind: Literal["mylab_orthogonal"] = "mylab_orthogonal"
    gain: PositiveFloat = 1.0

    def apply(self, network: nn.Module) -> None:
        """Draws from torch's global generator, which the caller has seeded."""
        from torch import nn

        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.orthogonal_(module.weight, self.gain)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
