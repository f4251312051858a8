"""A block that recipes can place in either network."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.interfaces import BlockSpec
from ganforge.shapes import Shape
from pydantic import PositiveInt

if TYPE_CHECKING:
    from torch import nn


class Gate(BlockSpec):
    """A convolution whose channels are gated by their own means (Hu, Shen & Sun 2018)."""

    kind: Literal["mylab_gate"] = "mylab_gate"
    papers: ClassVar[tuple[str, ...]] = ("Hu, Shen & Sun 2018",)
    #: Channels that come out.
    channels: PositiveInt
    #: The module has `widen`: labels may join as additional channels.
    widens: ClassVar[bool] = True
    #: The module has `add_adafm`: the convolution can be adapted while it is frozen.
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(self.channels)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from mylab_plugin.block_module import GateModule

        return GateModule(shape.channels, self.channels)
