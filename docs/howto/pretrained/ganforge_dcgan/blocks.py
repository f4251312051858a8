"""The blocks of a DCGAN generator as recipes name them (Radford, Metz & Chintala 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.interfaces import BlockSpec, Side, Width
from ganforge.shapes import Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn


class DCGANProject(BlockSpec):
    """First block of a DCGAN: transposed convolution from the latent to a grid, batch norm, ReLU."""

    kind: Literal["dcgan_project"] = "dcgan_project"
    channels: Width
    #: Side of the grid in pixels.
    side: Side = 4
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        if (shape.height, shape.width) != (1, 1):
            raise ShapeError(f"expects a latent (Z x 1 x 1), but gets {shape}.")
        return Shape(self.channels, self.side, self.side)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_dcgan.modules import DCGANBlock

        return DCGANBlock(shape.channels, self.channels, kernel=self.side, stride=1, padding=0)


class DCGANUp(BlockSpec):
    """Doubles the side: 4x4 transposed convolution, batch norm, ReLU."""

    kind: Literal["dcgan_up"] = "dcgan_up"
    channels: Width
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(self.channels).doubled()

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_dcgan.modules import DCGANBlock

        return DCGANBlock(shape.channels, self.channels, kernel=4, stride=2, padding=1)


class DCGANImage(BlockSpec):
    """Last block of a DCGAN: doubles the side by a 4x4 transposed convolution to RGB, tanh."""

    kind: Literal["dcgan_image"] = "dcgan_image"
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(3).doubled()

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_dcgan.modules import DCGANImageBlock

        return DCGANImageBlock(shape.channels)
