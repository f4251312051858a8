"""The core's blocks as recipes name them. No torch here: each `build` imports its module when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveFloat

from ganforge import literature
from ganforge.interfaces import BlockSpec, Side, Width
from ganforge.shapes import Shape, ShapeError

if TYPE_CHECKING:
    from torch import nn

#: Side of a convolution that keeps the size of the image.
Kernel = Literal[3, 5, 7]


class LatentToGrid(BlockSpec):
    """Fully connected layer from the latent to the first grid of a generator."""

    kind: Literal["latent_to_grid"] = "latent_to_grid"
    channels: Width
    #: Side of the grid in pixels.
    side: Side = 4
    widens: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        _expect_latent(shape)
        return Shape(self.channels, self.side, self.side)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.latent import LatentToGrid as Module

        return Module(shape.channels, self.channels, self.side)


class PixelNorm(BlockSpec):
    """Divides the latent (or each pixel's channels) by its root mean square (Karras et al. 2018)."""

    kind: Literal["pixel_norm"] = "pixel_norm"
    papers: ClassVar[tuple[str, ...]] = (literature.PIXEL_NORM,)
    parameter_free: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.latent import PixelNorm as Module

        return Module()


class ClassEmbedding(BlockSpec):
    """Concatenates a label embedding to the latent, in networks that are conditional by birth (GP-GAN)."""

    kind: Literal["class_embedding"] = "class_embedding"
    papers: ClassVar[tuple[str, ...]] = (literature.STABILITY,)
    #: 1: the same embedding whatever the label, as in GP-GANs that were trained on one class.
    num_classes: Width
    dim: Width
    #: Divide the embedding by its L2 norm.
    normalise: bool = True

    def out_shape(self, shape: Shape) -> Shape:
        _expect_latent(shape)
        return shape.with_channels(shape.channels + self.dim)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.latent import ClassEmbedding as Module

        return Module(self.num_classes, self.dim, self.normalise)


class Residual(BlockSpec):
    """Residual block of GP-GAN: two 3x3 convolutions, no normalisation (Mescheder et al. 2018)."""

    kind: Literal["residual"] = "residual"
    papers: ClassVar[tuple[str, ...]] = (literature.STABILITY,)
    channels: Width
    #: Factor of the residual branch; 0.1 as published, 1 with the variance-preserving initialisation.
    residual_scale: PositiveFloat = 0.1
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True
    piecewise_linear: ClassVar[bool] = True
    absorbs_upsampling: ClassVar[bool] = True
    absorbs_pooling: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(self.channels)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.residual import ResidualBlock

        return ResidualBlock(shape.channels, self.channels, self.residual_scale)


class Style(BlockSpec):
    """Style block: two convolutions, each with noise and AdaIN driven by the style (Zhao et al. 2020)."""

    kind: Literal["style"] = "style"
    papers: ClassVar[tuple[str, ...]] = (literature.LIMITED_DATA, literature.STYLE, literature.ADAIN)
    channels: Width
    #: How the side is doubled in front of (or by) the first convolution.
    upsampling: Literal["none", "nearest", "bilinear", "transposed"] = "none"
    #: Factor of the residual branch (0.1 as published); null: no shortcut, as in a style-based generator.
    residual_scale: PositiveFloat | None = None
    noise: bool = True
    #: Cut AdaIN's sigma to [-1, 1] in the gradient that passes through, as the published code does.
    clip_gradient: bool = False
    widens: ClassVar[bool] = True
    adapts: ClassVar[bool] = True
    needs_style: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        shape = shape.with_channels(self.channels)
        if shape.height * shape.width == 1 and self.upsampling == "none":
            raise ShapeError("normalises each channel over its pixels, so it needs more than one pixel.")
        return shape if self.upsampling == "none" else shape.doubled()

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.style import StyleBlock

        return StyleBlock(
            shape.channels,
            self.channels,
            style_dim,
            self.upsampling,
            self.residual_scale,
            self.noise,
            self.clip_gradient,
        )


class StatisticsAffine(BlockSpec):
    """Layer norm and a large affine that give a frozen trunk the statistics it expects (Zhao et al. 2020)."""

    kind: Literal["statistics_affine"] = "statistics_affine"
    papers: ClassVar[tuple[str, ...]] = (literature.LIMITED_DATA,)
    #: Mean of the initial scale of the channels.
    gain: PositiveFloat = 1000.0
    #: Factor of the gradient that reaches the blocks below.
    gradient_scale: PositiveFloat = 0.01

    def out_shape(self, shape: Shape) -> Shape:
        if shape.height * shape.width == 1:
            raise ShapeError("normalises each channel over its pixels, so it needs more than one pixel.")
        return shape

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.statistics import StatisticsAffine as Module

        return Module(shape.channels, shape.height, shape.width, self.gain, self.gradient_scale)


class Upsample(BlockSpec):
    """Doubles the side."""

    kind: Literal["upsample"] = "upsample"
    mode: Literal["nearest", "bilinear"] = "nearest"
    parameter_free: ClassVar[bool] = True
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.doubled()

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.resample import Upsample as Module

        return Module(self.mode)


class AveragePool(BlockSpec):
    """Halves the side by 3x3 average pooling with stride 2."""

    kind: Literal["average_pool"] = "average_pool"
    parameter_free: ClassVar[bool] = True
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        if min(shape.height, shape.width) < 2:
            raise ShapeError(f"can't halve {shape.height} x {shape.width} pixels.")
        return shape.halved()

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.resample import AveragePool as Module

        return Module()


class ImageHead(BlockSpec):
    """Last block of a generator: leaky ReLU, convolution to RGB, tanh."""

    kind: Literal["image_head"] = "image_head"
    #: Side of the convolution; 7 in the celebA and LSUN networks of GP-GAN.
    kernel: Kernel = 3

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(3)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.heads import ImageHead as Module

        return Module(shape.channels, self.kernel)


class ImageStem(BlockSpec):
    """First block of a discriminator: convolution from RGB."""

    kind: Literal["image_stem"] = "image_stem"
    channels: Width
    #: Side of the convolution; 7 in the celebA and LSUN networks of GP-GAN.
    kernel: Kernel = 3
    widens: ClassVar[bool] = True
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return shape.with_channels(self.channels)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.heads import ImageStem as Module

        return Module(shape.channels, self.channels, self.kernel)


class LogitHead(BlockSpec):
    """Last block of a discriminator: leaky ReLU and a fully connected layer to one logit."""

    kind: Literal["logit_head"] = "logit_head"
    #: More than one: a logit for each class, of which the one of the sample's label comes out (GP-GAN).
    num_logits: Width = 1
    piecewise_linear: ClassVar[bool] = True

    def out_shape(self, shape: Shape) -> Shape:
        return Shape(1, 1, 1)

    def build(self, shape: Shape, style_dim: int) -> nn.Module:
        from ganforge.blocks.heads import LogitHead as Module

        return Module(shape.size, self.num_logits)


def _expect_latent(shape: Shape) -> None:
    if (shape.height, shape.width) != (1, 1):
        raise ShapeError(f"expects a latent (Z x 1 x 1), but gets {shape}.")


BLOCKS: list[type[BlockSpec]] = [
    LatentToGrid,
    PixelNorm,
    ClassEmbedding,
    Residual,
    Style,
    StatisticsAffine,
    Upsample,
    AveragePool,
    ImageHead,
    ImageStem,
    LogitHead,
]
