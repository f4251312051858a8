"""Gradients of a convolution, each by itself, by the quickest way on the device."""

# N batch, C channels, H W pixels, O output channels, K kernel

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: Up to this side of the output, products of matrices give a weight's gradient faster than oneDNN does.
SMALL_SIDE = 8


def conv_input_gradient(delta: Tensor, h: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """(N, C, H, W), from the gradient of the output, delta: (N, O, H', W'); of the input h only the shape counts."""
    return _backward(delta, h, weight, stride, padding, 0)


def conv_weight_gradient(delta: Tensor, h: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """(O, C, K, K), from the gradient of the output, delta: (N, O, H', W'), and the input h."""
    if h.device.type == "cpu" and max(delta.shape[2:]) <= SMALL_SIDE:
        return _weight_gradient_by_places(delta, h, kernel, stride, padding)
    shape = (delta.shape[1], h.shape[1], kernel, kernel)
    # the result lies in memory as the input does, or it would be copied
    is_last = h.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if is_last else torch.contiguous_format
    weight = torch.empty(shape, dtype=h.dtype, device=h.device, memory_format=layout)
    return _backward(delta, h, weight, stride, padding, 1)


def _weight_gradient_by_places(delta: Tensor, h: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    """One product of matrices for each place of the kernel."""
    _, num_out, height, width = delta.shape
    pixels = F.pad(h.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))
    by_output = delta.permute(1, 0, 2, 3).reshape(num_out, -1)
    gradient = delta.new_empty(num_out, kernel, kernel, h.shape[1])
    for i in range(kernel):
        for j in range(kernel):
            seen = pixels[:, i : i + stride * height : stride, j : j + stride * width : stride]
            gradient[:, i, j] = by_output @ seen.reshape(-1, h.shape[1])
    return gradient.permute(0, 3, 1, 2)


def _backward(delta: Tensor, h: Tensor, weight: Tensor, stride: int, padding: int, which: int) -> Tensor:
    gradients = torch.ops.aten.convolution_backward(
        delta, h, weight, None, (stride, stride), (padding, padding), (1, 1), False, (0, 0), 1,
        (which == 0, which == 1, False),
    )  # fmt: skip
    found: Tensor = gradients[which]
    return found
