"""A rule that updates parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from ganforge.interfaces import OptimizerSpec
from pydantic import Field

if TYPE_CHECKING:
    from torch import nn, optim


class RMSProp(OptimizerSpec):
    """RMSprop (Tieleman & Hinton 2012)."""

    kind: Literal["mylab_rmsprop"] = "mylab_rmsprop"
    #: Decay of the mean squared gradient.
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.99

    def build(self, parameters: list[nn.Parameter], rate: float) -> optim.Optimizer:
        from torch import optim

        return optim.RMSprop(parameters, lr=rate, alpha=self.alpha)
