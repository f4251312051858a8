"""What a block sees besides its input, and the base of blocks whose convolutions can be adapted or widened."""

# N batch, W style, C channels, E extra channels, H W pixels, K kernel

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganforge.blocks.adafm import AdaFM
from ganforge.blocks.operations import PLAIN, Operations


@dataclass(frozen=True)
class Context:
    """What a network passes to each of its blocks."""

    #: (N, W), from the mapping network.
    style: Tensor | None = None
    #: (N,) int64.
    labels: Tensor | None = None
    #: (height, width) -> (N, 1, height, width) standard normal, the only randomness of a forward pass; None: no noise.
    noise: Callable[[int, int], Tensor] | None = None
    #: Site -> (N, C, H, W), features of a pretrained network that join what stands there.
    seen: Mapping[int, Tensor] | None = None
    #: How a piecewise linear block computes.
    ops: Operations = PLAIN


class ExtraInput(nn.Module):
    """Weights of additional input channels of a convolution, zero at first.

    They are a parameter of their own, so that the pretrained weights beside them can stay frozen.
    """

    def __init__(self, weight: Tensor, channels: int, dim: int = 1) -> None:
        """weight: the weights beside which they stand; dim: that of its input channels (0 if transposed)."""
        super().__init__()
        shape = list(weight.shape)
        shape[dim] = channels
        self.weight = nn.Parameter(torch.zeros(shape))


class ConvBlock(nn.Module):
    """Base of blocks with convolutions that AdaFM can adapt and that label maps can widen.

    A subclass names its convolutions in `adaptable` and `widening` and computes each of them by
    `self.convolve("conv_0", h, context)`. AdaFM and extra weights then stand beside the convolution as `adafm_0` and
    `extra_0`, and the convolution keeps its name: a plain checkpoint still loads.
    """

    adaptable: ClassVar[tuple[str, ...]] = ()
    widening: ClassVar[tuple[str, ...]] = ()
    #: Modules beside a convolution that are called with its weight and give another, in this order.
    reweighting: ClassVar[tuple[str, ...]] = ("adafm",)

    def add_adafm(self) -> None:
        """Give each adaptable convolution a fresh AdaFM, which changes nothing."""
        for name in self.adaptable:
            out_channels, in_channels = self.convolution(name).weight.shape[:2]
            self.add_module(self.beside(name, "adafm"), AdaFM(out_channels, in_channels))

    def fold(self) -> None:
        """Put what changes the weight of a convolution into it, for inference, and take it away."""
        for name, _ in list(self.named_children()):
            beside = [self.beside(name, what) for what in self.reweighting]
            there = [each for each in beside if hasattr(self, each)]
            if there:
                weight = self.adapted_weight(name).detach()
                self.convolution(name).weight = nn.Parameter(weight, requires_grad=False)
            for each in there:
                delattr(self, each)

    def widen(self, extra_channels: int) -> None:
        """Let the widening convolutions take `extra_channels` more channels, with zero weights."""
        for name in self.widening:
            conv = self.convolution(name)
            dim = 0 if isinstance(conv, nn.ConvTranspose2d) else 1
            self.add_module(self.beside(name, "extra"), ExtraInput(conv.weight, extra_channels, dim))

    def convolve(self, name: str, h: Tensor, context: Context, extra: Tensor | None = None) -> Tensor:
        """Convolution `name` of h: (N, C, H, W), with its AdaFM and, for extra: (N, E, H, W), its extra weights."""
        conv = self.convolution(name)
        out = _convolved(conv, h, self.adapted_weight(name), conv.bias, context)
        if extra is None:
            return out
        extra_weight = getattr(self, self.beside(name, "extra")).weight
        return out + _convolved(conv, extra.to(h.dtype), extra_weight, None, context)

    def adapted_weight(self, name: str) -> Tensor:
        """The weight of convolution `name` as the modules beside it, such as AdaFM, leave it."""
        weight: Tensor = self.convolution(name).weight
        for what in self.reweighting:
            change = getattr(self, self.beside(name, what), None)
            weight = weight if change is None else change(weight)
        return weight

    def convolution(self, name: str) -> nn.Conv2d | nn.ConvTranspose2d:
        """The plain convolution of this name, with its own weight."""
        conv = getattr(self, name)
        assert isinstance(conv, nn.Conv2d | nn.ConvTranspose2d) and conv.groups == 1
        return conv

    @staticmethod
    def beside(name: str, what: str) -> str:
        """Name of the module `what` beside a convolution: `adafm_0` of `conv_0`."""
        return f"{what}_{name.removeprefix('conv_')}"


def _convolved(
    conv: nn.Conv2d | nn.ConvTranspose2d, h: Tensor, weight: Tensor, bias: Tensor | None, context: Context
) -> Tensor:
    """The convolution with another weight and bias."""
    if isinstance(conv, nn.ConvTranspose2d):
        return F.conv_transpose2d(h, weight, bias, conv.stride, conv.padding)  # type: ignore[arg-type]
    return context.ops.conv2d(h, weight, bias, *_stride_and_padding(conv))


def _stride_and_padding(conv: nn.Conv2d) -> tuple[int, int]:
    (stride, _), padding = conv.stride, conv.padding
    assert isinstance(padding, tuple) and conv.stride == (stride, stride) and padding == (padding[0], padding[0])
    return stride, padding[0]
