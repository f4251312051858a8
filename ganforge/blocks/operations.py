"""The elementary operations of piecewise linear blocks.

A block or injection that declares `piecewise_linear` computes with `context.ops` and with what is linear and has no
parameters anyway (sums of its features, fixed factors, pooling, reshaping, concatenation). The training step can
then run it a second time as the linear map that it is around a batch; see `ganforge.training.piecewise`.
"""

# N batch, C channels, H W pixels, K kernel

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


class Operations:
    """Each operation as torch computes it."""

    def conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
        """h: (N, C, H, W), weight: (C', C, K, K), bias: (C',) -> (N, C', H', W')."""
        return F.conv2d(h, weight, bias, stride, padding)

    def linear(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """h: (N, C), weight: (C', C), bias: (C',) -> (N, C')."""
        return F.linear(h, weight, bias)

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        return F.leaky_relu(h, slope)

    def scale(self, h: Tensor, factor: Tensor) -> Tensor:
        """h * factor; the factor, (N, ...), depends on labels and parameters but not on the images."""
        return h * factor

    def constant(self, value: Tensor) -> Tensor:
        """What joins the features by sum or concatenation: (N, ...), of labels and parameters but not of the images."""
        return value


PLAIN = Operations()
