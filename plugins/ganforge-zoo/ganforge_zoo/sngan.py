"""Modules of SNGAN and cGAN-PD, as torch-mimicry computes them.

Source: Miyato et al. 2018, "Spectral normalization for generative adversarial networks"; Miyato & Koyama 2018, "cGANs
with projection discriminator".
"""

# N batch, C channels, H W pixels

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.base import Context, ConvBlock
from ganforge.blocks.operations import without_autocast
from ganforge.blocks.upsampling import upsample
from ganforge_zoo.normalisation import BatchNorm, ClassBatchNorm
from ganforge_zoo.spectral import SpectralBlock, SpectralLinear, SpectralNorm


class GeneratorBlock(ConvBlock):
    """conv_s(up(h)) + conv_1(relu(bn_1(conv_0(up(relu(bn_0(h))))))), up: bilinear.

    (N, in_channels, H, W) -> (N, out_channels, 2H, 2W). With classes, the batch norms have a scale and shift for each.
    Extra channels enter conv_0 alone.
    """

    adaptable = ("conv_0", "conv_1")
    widening = ("conv_0",)

    def __init__(self, in_channels: int, out_channels: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.bn_0 = _batch_norm(in_channels, num_classes)
        self.bn_1 = _batch_norm(out_channels, num_classes)
        self.conv_0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv_1 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_s = nn.Conv2d(in_channels, out_channels, 1)
        _initialise(self)

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        with without_autocast(h):  # as in `Operations.shortcut`
            # in front of the upsampling, with which a 1x1 convolution commutes
            shortcut = upsample(self.conv_s(h.to(self.conv_s.weight.dtype)), "bilinear")
        h = upsample(F.relu(self.bn_0(h, context)), "bilinear")
        extra = None if extra is None else upsample(extra, "bilinear")
        h = self.convolve("conv_0", h, context, extra)
        h = self.convolve("conv_1", F.relu(self.bn_1(h, context)), context)
        return shortcut + h


class ImageHead(nn.Conv2d):
    """tanh(conv(relu(bn(h)))): (N, C, H, W) -> (N, 3, H, W), in the weights' format also under autocast."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, 3, 3, padding=1)
        self.bn = BatchNorm(in_channels)
        nn.init.xavier_uniform_(self.weight)

    def forward(self, h: Tensor, context: Context) -> Tensor:  # type: ignore[override]
        with without_autocast(h):
            return torch.tanh(super().forward(F.relu(self.bn(h.to(self.weight.dtype), context))))


class Stem(SpectralBlock):
    """conv_s(pool(h)) + pool(conv_1(relu(conv_0(h)))): (N, C, H, W) -> (N, out_channels, H / 2, W / 2)."""

    adaptable = ("conv_0", "conv_1")
    widening = ("conv_0",)
    normalised = ("conv_0", "conv_1", "conv_s")

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv_1 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.conv_s = nn.Conv2d(in_channels, out_channels, 1)
        _initialise(self)
        self.add_spectral_norms()

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        shortcut = self.convolve("conv_s", _pool(h), context)
        h = self.convolve("conv_0", h, context, extra)
        h = self.convolve("conv_1", context.ops.leaky_relu(h, 0), context)
        return shortcut + _pool(h)


class DiscriminatorBlock(SpectralBlock):
    """conv_s(pool(r)) + pool(conv_1(relu(conv_0(r)))) with r = relu(h); without conv_s where the shape stays.

    (N, in_channels, H, W) -> (N, out_channels, H / 2, W / 2), or of the same size without pooling. The shortcut starts
    from r and not from h, since torch-mimicry's ReLU overwrites h before the shortcut reads it.
    """

    adaptable = ("conv_0", "conv_1")
    widening = ("conv_0",)

    def __init__(self, in_channels: int, out_channels: int, *, pool: bool) -> None:
        super().__init__()
        self.pool = pool
        self.conv_0 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.conv_1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv_s = nn.Conv2d(in_channels, out_channels, 1) if pool or in_channels != out_channels else None
        self.normalised = ("conv_0", "conv_1", *(["conv_s"] if self.conv_s is not None else []))  # type: ignore[misc]
        _initialise(self)
        self.add_spectral_norms()

    def forward(self, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        h = context.ops.leaky_relu(h, 0)
        shortcut = _pool(h) if self.pool else h
        if self.conv_s is not None:
            shortcut = self.convolve("conv_s", shortcut, context)
        h = self.convolve("conv_0", h, context, extra)
        h = self.convolve("conv_1", context.ops.leaky_relu(h, 0), context)
        return shortcut + (_pool(h) if self.pool else h)


class LogitHead(nn.Module):
    """linear(s), with classes + <projection[label], s>; s: sum of relu(h) over pixels. (N, C, H, W) -> (N, 1, 1, 1)."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.linear = SpectralLinear(in_channels, 1)
        nn.init.xavier_uniform_(self.linear.weight)
        self.projection = Projection(num_classes, in_channels) if num_classes else None

    def forward(self, h: Tensor, context: Context) -> Tensor:
        ops = context.ops
        total = ops.leaky_relu(h, 0).sum((2, 3))
        logits = ops.linear(total, self.linear.normalised_weight(), self.linear.bias)
        if self.projection is not None:
            assert context.labels is not None
            vectors = self.projection.normalised_weight()[context.labels]
            logits = logits + ops.scale(total, vectors).sum(1, keepdim=True)
        return logits[:, :, None, None]


class Projection(nn.Embedding):
    """A vector for each class, spectrally normalised as one matrix: (K, C)."""

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__(num_classes, channels)
        nn.init.xavier_uniform_(self.weight)
        self.spectral = SpectralNorm(self.weight)

    def normalised_weight(self) -> Tensor:
        weight: Tensor = self.spectral(self.weight)
        return weight


def _batch_norm(channels: int, num_classes: int) -> BatchNorm | ClassBatchNorm:
    return ClassBatchNorm(channels, num_classes) if num_classes else BatchNorm(channels)


def _pool(h: Tensor) -> Tensor:
    """Average over 2x2 pixels; a last odd row or column is left out."""
    return F.avg_pool2d(h, 2)


def _initialise(block: nn.Module) -> None:
    """The published first values: uniform, with gain sqrt(2) in front of a ReLU and 1 in shortcuts."""
    for name, conv in block.named_children():
        if isinstance(conv, nn.Conv2d):
            nn.init.xavier_uniform_(conv.weight, 1 if name == "conv_s" else math.sqrt(2))
