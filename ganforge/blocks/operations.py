"""The elementary operations of piecewise linear blocks.

A block or injection that declares `piecewise_linear` computes with `context.ops` and with what is linear and has no
parameters anyway (sums of its features, fixed factors, pooling, reshaping, concatenation). The training step can
then run it a second time as the linear map that it is around a batch; see `ganforge.training.piecewise`.
"""

# N batch, C channels, H W pixels, K kernel

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.blocks.pooling import average_pool


class Operations:
    """Each operation as torch computes it."""

    def conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
        """h: (N, C, H, W), weight: (C', C, K, K), bias: (C',) -> (N, C', H', W')."""
        return F.conv2d(h, weight, bias, stride, padding)

    def shortcut(self, h: Tensor, weight: Tensor) -> Tensor:
        """1x1 convolution: (N, C, H, W) -> (N, C', H, W); in the weight's own format, also under autocast.

        What a residual branch adds is small beside it, and rounding the sum would round that away.
        """
        with without_autocast(h):
            return F.conv2d(h.to(weight.dtype), weight)

    def pooled_conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Average pooling of a 3x3 convolution with padding 1; weight: (C', C, 3, 3) -> (N, C', H / 2, W / 2)."""
        return average_pool(self.conv2d(h, weight, bias, padding=1))

    def linear(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """h: (N, C), weight: (C', C), bias: (C',) -> (N, C')."""
        return F.linear(h, weight, bias)

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        """h where it is positive, else slope * h; slope >= 0."""
        return leaky_relu(h, slope)

    def scale(self, h: Tensor, factor: Tensor) -> Tensor:
        """h * factor; the factor, (N, ...), depends on labels and parameters but not on the images."""
        return h * factor

    def constant(self, value: Tensor) -> Tensor:
        """What joins the features by sum or concatenation: (N, ...), of labels and parameters but not of the images."""
        return value


class _LeakyReLU(torch.autograd.Function):
    """Keeps its output alone, which the convolution behind it keeps as well, and holds the slopes constant.

    torch's own keeps its input too, and when a gradient is differentiated it sends zeros back through the network
    for the slopes' derivative.
    """

    @staticmethod
    def forward(ctx, h: Tensor, slope: float) -> Tensor:  # type: ignore[no-untyped-def]
        out = F.leaky_relu(h, slope)
        ctx.slope = slope
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (out,) = ctx.saved_tensors
        return with_slopes(gradient, out.detach(), ctx.slope), None


def leaky_relu(h: Tensor, slope: float = 0.2) -> Tensor:
    """As torch's, in less memory."""
    out: Tensor = _LeakyReLU.apply(h, slope)
    return out


def with_slopes(h: Tensor, out: Tensor, slope: float) -> Tensor:
    """h times the slopes, 1 or `slope`, of a leaky ReLU that gave `out`."""
    result: Tensor = torch.ops.aten.leaky_relu_backward(h, out, slope, True)
    return result


def without_autocast(h: Tensor) -> AbstractContextManager[object]:
    """A context in which tensors on the device of h are computed in their own formats."""
    kind = h.device.type
    is_on = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if is_on else nullcontext()


PLAIN = Operations()
