"""Blocks of BigGAN-deep, and its condition, as recipes name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.interfaces import BlockSpec, MappingSpec, Side, Width
from ganforge.shapes import Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn

_BIGGAN = 'Brock, Donahue & Simonyan 2019, "Large scale GAN training for high fidelity natural image synthesis"'
_ATTENTION = 'Zhang et al. 2019, "Self-attention generative adversarial networks"'


class ClassLatent(MappingSpec):
    """The style is the latent beside an embedding of the label, in networks that are conditional by birth (BigGAN)."""

    kind: Literal["class_latent"] = "class_latent"
    papers: ClassVar[tuple[str, ...]] = (_BIGGAN,)
    num_classes: Width
    #: Length of the embedding.
    dim: Width

    def style_dim(self, latent_dim: int) -> int:
        return latent_dim + self.dim

    def build(self, latent_dim: int) -> nn.Module:
        from ganforge_zoo.biggan import ClassLatent as Module

        return Module(latent_dim, self.num_classes, self.dim)


class BigGANGrid(BlockSpec):
    """Spectrally normalised layer from the style to the first grid of a BigGAN generator (Brock et al. 2019)."""

    kind: Literal["biggan_grid"] = "biggan_grid"
    papers: ClassVar[tuple[str, ...]] = (_BIGGAN,)
    channels: Width
    #: Side of the grid in pixels.
    side: Side = 4
    widens: ClassVar[bool] = True
    needs_style: ClassVar[bool] = True
    starts_from_style: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return Shape(self.channels, self.side, self.side)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.biggan import StyleToGrid

        return StyleToGrid(style_dim, self.channels, self.side)


class BigGANBlock(BlockSpec):
    """Residual block of BigGAN-deep; batch norm driven by the style, with fixed statistics (Brock et al. 2019)."""

    kind: Literal["biggan_block"] = "biggan_block"
    papers: ClassVar[tuple[str, ...]] = (_BIGGAN,)
    #: At most those that come in: the shortcut leaves out the others.
    channels: Width
    #: Double the side.
    upsample: bool = False
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True
    needs_style: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        if shape.channels < max(self.channels, 4):
            raise ShapeError(f"expects at least {max(self.channels, 4)} input channels, but gets {shape.channels}.")
        shape = shape.with_channels(self.channels)
        return shape.doubled() if self.upsample else shape

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.biggan import GeneratorBlock

        return GeneratorBlock(shape.channels, self.channels, style_dim, upsampled=self.upsample)


class SelfAttention(BlockSpec):
    """Self-attention over pixels, spectrally normalised (Zhang et al. 2019, as in BigGAN)."""

    kind: Literal["self_attention"] = "self_attention"
    papers: ClassVar[tuple[str, ...]] = (_ATTENTION,)

    def out_shape(self, shape: Shape) -> Shape:
        if shape.channels < 8 or min(shape.height, shape.width) < 2:
            raise ShapeError(f"expects at least 8 channels and 2 x 2 pixels, but gets {shape}.")
        return shape

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.attention import SelfAttention as Module

        return Module(shape.channels)


class BigGANImageHead(BlockSpec):
    """Last block of a BigGAN generator: batch norm with fixed statistics, ReLU, 3x3 convolution, tanh."""

    kind: Literal["biggan_image_head"] = "biggan_image_head"
    papers: ClassVar[tuple[str, ...]] = (_BIGGAN,)

    def out_shape(self, shape: Shape) -> Shape:
        if shape.channels < 3:
            raise ShapeError(f"expects at least 3 channels, but gets {shape.channels}.")
        return shape.with_channels(3)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge_zoo.biggan import ImageHead

        return ImageHead(shape.channels)


BLOCKS: list[type[BlockSpec]] = [BigGANGrid, BigGANBlock, SelfAttention, BigGANImageHead]
