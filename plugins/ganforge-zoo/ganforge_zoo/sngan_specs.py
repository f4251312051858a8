"""Blocks of SNGAN and cGAN-PD as recipes name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ganforge.interfaces import BlockSpec, Width
from ganforge.literature import SPECTRAL
from ganforge.shapes import Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn

#: Classes of a network that is conditional by birth; 0: none.
NumClasses = Annotated[int, Field(ge=0, le=65_536)]


class SNGANGeneratorBlock(BlockSpec):
    """Residual block of an SNGAN generator, doubles the side; batch norm with fixed statistics (Miyato et al. 2018)."""

    kind: Literal["sngan_generator_block"] = "sngan_generator_block"
    papers: ClassVar[tuple[str, ...]] = (SPECTRAL,)
    channels: Width
    #: More than 0: the batch norm has a scale and shift for each class (cGAN-PD).
    num_classes: NumClasses = 0
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(self.channels).doubled()

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.sngan import GeneratorBlock

        return GeneratorBlock(shape.channels, self.channels, self.num_classes)


class SNGANImageHead(BlockSpec):
    """Last block of an SNGAN generator: batch norm with fixed statistics, ReLU, 3x3 convolution to RGB, tanh."""

    kind: Literal["sngan_image_head"] = "sngan_image_head"
    papers: ClassVar[tuple[str, ...]] = (SPECTRAL,)

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(3)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.sngan import ImageHead

        return ImageHead(shape.channels)


class SNGANStem(BlockSpec):
    """First block of an SNGAN discriminator: residual, spectrally normalised, halves the side (Miyato et al. 2018)."""

    kind: Literal["sngan_stem"] = "sngan_stem"
    papers: ClassVar[tuple[str, ...]] = (SPECTRAL,)
    channels: Width
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return _pooled(shape).with_channels(self.channels)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.sngan import Stem

        return Stem(shape.channels, self.channels)


class SNGANDiscriminatorBlock(BlockSpec):
    """Residual block of an SNGAN discriminator, spectrally normalised (Miyato et al. 2018)."""

    kind: Literal["sngan_discriminator_block"] = "sngan_discriminator_block"
    papers: ClassVar[tuple[str, ...]] = (SPECTRAL,)
    channels: Width
    #: Halve the side by 2x2 average pooling.
    pool: bool = True
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return (_pooled(shape) if self.pool else shape).with_channels(self.channels)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.sngan import DiscriminatorBlock

        return DiscriminatorBlock(shape.channels, self.channels, pool=self.pool)


class SNGANLogitHead(BlockSpec):
    """Last block of an SNGAN discriminator: ReLU, sum over pixels, spectrally normalised layer to one logit."""

    kind: Literal["sngan_logit_head"] = "sngan_logit_head"
    papers: ClassVar[tuple[str, ...]] = (SPECTRAL,)
    #: More than 0: adds the inner product with a vector for each class (cGAN-PD).
    num_classes: NumClasses = 0
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return Shape(1, 1, 1)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.sngan import LogitHead

        return LogitHead(shape.channels, self.num_classes)


def _pooled(shape: Shape) -> Shape:
    if min(shape.height, shape.width) < 2:
        raise ShapeError(f"can't halve {shape.height} x {shape.width} pixels.")
    return Shape(shape.channels, shape.height // 2, shape.width // 2)


BLOCKS: list[type[BlockSpec]] = [
    SNGANGeneratorBlock,
    SNGANImageHead,
    SNGANStem,
    SNGANDiscriminatorBlock,
    SNGANLogitHead,
]
