"""A block whose convolution can be adapted and widened."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from ganforge.interfaces import BlockSpec
from ganforge.shapes import Shape

if TYPE_CHECKING:
    from torch import nn


class StubGate(BlockSpec):
    """A convolution, multiplied by the sigmoid of its own mean over pixels."""

    kind: Literal["stub_gate"] = "stub_gate"
    channels: PositiveInt
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(self.channels)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_stub.modules import Gate

        return Gate(shape.channels, self.channels)
