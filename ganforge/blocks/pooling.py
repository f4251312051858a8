"""Average pooling, alone and together with the convolution in front of it.

A convolution and an average over 3x3 pixels commute, so that the average may come first and the convolution then
compute at every second pixel alone: 9/4 products for each pixel and pair of channels in place of 9. At the border they
don't quite commute: the pooling takes what is outside for zero, and so does the convolution, but the convolution of
the average sees pixels inside from places that are outside. With an even side that concerns the first row and the first
column, where a convolution along the edge puts it right.

In one dimension, with weights a, b, c and pixels x0, x1, ...: the first output is a x0 + b (x0 + x1) + c (x1 + x2),
over 3; convolving averages gives b (x0 + x1) + c (x0 + x1 + x2). The difference is (a - c) x0. In two dimensions, with
the difference D and the right result R along each axis, the sum of what is missing is D R + R D - D D.
"""

# N batch, C channels, H W pixels, O C' output channels

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.blocks.convolution import conv_input_gradient, conv_weight_gradient


def average_pool(h: Tensor) -> Tensor:
    """Over 3x3 pixels, every second one: (N, C, H, W) -> (N, C, ceil(H / 2), ceil(W / 2)); outside are zeros."""
    if h.is_cuda:  # where it pads by itself, torch 2.11 gives wrong gradients in `channels_last` (its issue 188344)
        return F.avg_pool2d(F.pad(h, (1, 1, 1, 1)), 3, stride=2)
    return F.avg_pool2d(h, 3, stride=2, padding=1)


def has_even_sides(h: Tensor) -> bool:
    """Whether the functions below can be used on h."""
    return h.shape[2] % 2 == 0 and h.shape[3] % 2 == 0


def pooled_conv3(h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """average_pool of the 3x3 convolution, padding 1, of h: (N, C, H, W) -> (N, O, H / 2, W / 2).

    weight: (O, C, 3, 3), bias: (O,) for each sample, (N or 1, O). No gradient goes through; the functions below give
    those by the input, the weight and the bias.
    """
    out = F.conv2d(_blur(h), weight, stride=2, padding=1)
    kernels = _edge_kernels(weight)
    out[:, :, 0] += _along(h[:, :, 0], kernels[0])
    out[:, :, :, 0] += _along(h[:, :, :, 0], kernels[1])
    out[:, :, 0, 0] -= F.linear(h[:, :, 0, 0], kernels[2])
    if bias is not None:  # of which the pooling takes less at the border
        bias = bias[:, :, None, None]
        out += bias
        out[:, :, :1] -= bias / 3
        out[:, :, :, :1] -= bias / 3
        out[:, :, :1, :1] += bias / 9
    return out


def pooled_conv3_input_gradient(delta: Tensor, weight: Tensor) -> Tensor:
    """(N, C, H, W), from the gradient of the output, delta: (N, O, H / 2, W / 2)."""
    num, _, height, width = delta.shape
    is_last = delta.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if is_last else torch.contiguous_format
    shape = (num, weight.shape[1], 2 * height, 2 * width)
    h = torch.empty(shape, dtype=delta.dtype, device=delta.device, memory_format=layout)
    gradient = _blur(conv_input_gradient(delta, h, weight, stride=2, padding=1))
    kernels = _edge_kernels(weight)
    gradient[:, :, 0] += _along_input_gradient(delta[:, :, 0], kernels[0])
    gradient[:, :, :, 0] += _along_input_gradient(delta[:, :, :, 0], kernels[1])
    gradient[:, :, 0, 0] -= delta[:, :, 0, 0] @ kernels[2]
    return gradient


def pooled_conv3_weight_gradient(delta: Tensor, h: Tensor) -> Tensor:
    """(O, C, 3, 3), from the gradient of the output, delta: (N, O, H / 2, W / 2), and the input h."""
    gradient = conv_weight_gradient(delta, _blur(h), 3, stride=2, padding=1)
    row = _along_weight_gradient(delta[:, :, 0], h[:, :, 0])
    column = _along_weight_gradient(delta[:, :, :, 0], h[:, :, :, 0])
    corner = delta[:, :, 0, 0].t() @ h[:, :, 0, 0] / 9
    row[:, :, 0] -= corner
    row[:, :, 2] += corner
    gradient[:, :, 0] += row
    gradient[:, :, 2] -= row
    gradient[:, :, :, 0] += column
    gradient[:, :, :, 2] -= column
    return gradient


def pooled_bias_gradient(delta: Tensor) -> Tensor:
    """(N, O), for each sample."""
    row, column = delta[:, :, 0].sum(2), delta[:, :, :, 0].sum(2)
    return delta.sum((2, 3)) - (row + column) / 3 + delta[:, :, 0, 0] / 9


class PooledConv3(torch.autograd.Function):
    """`pooled_conv3` whose gradient goes to the features alone, once."""

    @staticmethod
    def forward(ctx, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(weight)
        return pooled_conv3(h, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, delta: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        (weight,) = ctx.saved_tensors
        return pooled_conv3_input_gradient(delta, weight), None, None


def _blur(h: Tensor) -> Tensor:
    """Average over 3x3 pixels, outside are zeros; it is its own adjoint."""
    return F.avg_pool2d(h, 3, stride=1, padding=1)


# Along an edge. Legend: P pixels of the edge, Q = P / 2 outputs, K = 3 places of the kernel.


def _edge_kernels(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For the first row (O, C, K), the first column (O, C, K) and the corner (O, C)."""
    row, column = weight[:, :, 0] - weight[:, :, 2], weight[:, :, :, 0] - weight[:, :, :, 2]
    return row, column, (row[:, :, 0] - row[:, :, 2]) / 9


def _along(edge: Tensor, kernel: Tensor) -> Tensor:
    """A third of the pooled convolution of an edge: (N, C, P) -> (N, O, Q); kernel: (O, C, K)."""
    return torch.einsum("ock,nckq->noq", kernel, _pooled_places(edge))


def _along_input_gradient(delta: Tensor, kernel: Tensor) -> Tensor:
    """(N, C, P) from delta: (N, O, Q)."""
    shifted = torch.einsum("ock,noq->nckq", kernel, delta)
    return torch.einsum("kqp,nckq->ncp", _pooling_matrices(2 * delta.shape[2], delta.dtype, delta.device), shifted)


def _along_weight_gradient(delta: Tensor, edge: Tensor) -> Tensor:
    """(O, C, K) from delta: (N, O, Q) and the edge: (N, C, P)."""
    return torch.einsum("noq,nckq->ock", delta, _pooled_places(edge))


def _pooled_places(edge: Tensor) -> Tensor:
    """What each place of a kernel sees of an edge, pooled, over 3: (N, C, P) -> (N, C, K, Q)."""
    return torch.einsum("kqp,ncp->nckq", _pooling_matrices(edge.shape[2], edge.dtype, edge.device), edge)


@lru_cache(maxsize=64)
def _pooling_matrices(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(K, Q, P): what a pixel p of an edge counts in output q by way of place k, over 9."""
    pooled = torch.zeros(side // 2, side, dtype=torch.float64)
    for q in range(side // 2):
        pooled[q, max(0, 2 * q - 1) : 2 * q + 2] = 1 / 9
    # the convolution reads pixel p at p - 1, p, p + 1
    matrices = torch.stack([F.pad(pooled, (0, 2)).roll(k - 1, 1)[:, :side] for k in range(3)])
    return matrices.to(device, dtype)


def forget_matrices() -> None:
    """For whoever computes on tensors without numbers: none of theirs may be found by others, nor the other way."""
    _pooling_matrices.cache_clear()
