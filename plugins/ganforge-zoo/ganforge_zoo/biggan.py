"""Modules of the generator of BigGAN-deep, as pytorch-pretrained-biggan computes them.

Every layer reads the same condition, the latent beside an embedding of the label; here it is the style.
Source: Brock, Donahue & Simonyan 2019, "Large scale GAN training for high fidelity natural image synthesis",
appendix B.
"""

# N batch, Z latent, E label embedding, X extra inputs, W = Z + E style, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import Context
from ganforge.blocks.latent import ZeroLinear
from ganforge.blocks.operations import without_autocast
from ganforge.blocks.upsampling import upsample, upsampled_conv3
from ganforge_zoo.normalisation import BatchNorm, StyleBatchNorm
from ganforge_zoo.spectral import SpectralBlock, SpectralLinear

#: Added to each variance, as published.
EPS = 1e-4


class ClassLatent(nn.Embedding):
    """z: (N, Z), extra: (N, X) or None, labels: (N,) -> the style, z beside the label's embedding: (N, Z + E)."""

    class_rows = ("weight",)

    def __init__(self, latent_dim: int, num_classes: int, dim: int) -> None:
        super().__init__(num_classes, dim)
        # small beside z: at first all classes look nearly alike
        nn.init.normal_(self.weight, std=0.02)
        self.num_classes = num_classes
        self.style_dim = latent_dim + dim

    def widen(self, extra_channels: int) -> None:
        self.extra = ZeroLinear(extra_channels, self.style_dim)

    def forward(self, z: Tensor, extra: Tensor | None, labels: Tensor) -> Tensor:  # type: ignore[override]
        w = torch.cat([z, super().forward(labels)], dim=1)
        return w if extra is None else w + self.extra(extra)


class StyleToGrid(SpectralLinear):
    """Fully connected layer from the style to the first grid: (N, C, side, side). The latent is read in the style."""

    def __init__(self, style_dim: int, channels: int, side: int) -> None:
        super().__init__(style_dim, channels * side * side)
        self.grid = (channels, side, side)

    def widen(self, extra_channels: int) -> None:
        self.extra = ZeroLinear(extra_channels, self.out_features)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:  # type: ignore[override]
        assert context.style is not None
        flat = super().forward(context.style)
        return (flat if extra is None else flat + self.extra(extra.flatten(1))).unflatten(1, self.grid)


class GeneratorBlock(SpectralBlock):
    """Residual block of four convolutions, batch norm and ReLU in front of each, a quarter of the input's width.

    (N, in_channels, H, W) -> (N, out_channels, H, W), or of twice the side: upsampled in front of conv_1. conv_0 and
    conv_3 are 1x1, conv_1 and conv_2 3x3. The shortcut keeps the first out_channels channels; extra channels enter
    conv_0.
    AdaFM sits on the 3x3 convolutions: on a 1x1 it would have more parameters than the filters that it adapts.
    """

    adaptable = ("conv_1", "conv_2")
    widening = ("conv_0",)
    normalised = ("conv_0", "conv_1", "conv_2", "conv_3")

    def __init__(self, in_channels: int, out_channels: int, style_dim: int, *, upsampled: bool) -> None:
        super().__init__()
        hidden = in_channels // 4
        self.out_channels = out_channels
        self.upsampled = upsampled
        self.bn_0 = StyleBatchNorm(in_channels, style_dim, EPS)
        self.conv_0 = nn.Conv2d(in_channels, hidden, 1)
        self.bn_1 = StyleBatchNorm(hidden, style_dim, EPS)
        self.conv_1 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.bn_2 = StyleBatchNorm(hidden, style_dim, EPS)
        self.conv_2 = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.bn_3 = StyleBatchNorm(hidden, style_dim, EPS)
        self.conv_3 = nn.Conv2d(hidden, out_channels, 1)
        self.add_spectral_norms()

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        shortcut = h[:, : self.out_channels]
        h = self.convolve("conv_0", F.relu(self.bn_0(h, context)), context, extra)
        h = F.relu(self.bn_1(h, context))
        if self.upsampled:
            shortcut = upsample(shortcut, "nearest")
            h = upsampled_conv3(h, self.adapted_weight("conv_1"), self.conv_1.bias)
        else:
            h = self.convolve("conv_1", h, context)
        h = self.convolve("conv_2", F.relu(self.bn_2(h, context)), context)
        h = self.convolve("conv_3", F.relu(self.bn_3(h, context)), context)
        return shortcut + h


class ImageHead(SpectralBlock):
    """tanh of the first three channels of conv_0(relu(bn(h))): (N, C, H, W) -> (N, 3, H, W), in the weights' format.

    conv_0 keeps the width, as published, and is normalised as a whole; the other channels are not computed.
    """

    normalised = ("conv_0",)

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn = BatchNorm(in_channels, EPS)
        self.conv_0 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.add_spectral_norms()

    def forward(self, h: Tensor, context: Context) -> Tensor:
        assert self.conv_0.bias is not None
        with without_autocast(h):
            h = F.relu(self.bn(h.to(self.conv_0.weight.dtype), context))
            return torch.tanh(F.conv2d(h, self.adapted_weight("conv_0")[:3], self.conv_0.bias[:3], padding=1))
