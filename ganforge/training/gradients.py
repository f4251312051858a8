"""Gradients by the weights of a layer, from what went in and the gradient at its output."""

# N batch, C channels, H W pixels

from __future__ import annotations

import torch
from torch import Tensor

from ganforge.blocks.convolution import conv_weight_gradient
from ganforge.blocks.pooling import pooled_bias_gradient, pooled_conv3_weight_gradient


class Gradients:
    """Gradients by the weights that were used, on their way to the parameters' `grad`."""

    def __init__(self) -> None:
        #: Weights that were computed from parameters, whose gradients go on through autograd in the end.
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def add(self, weight: Tensor, gradient: Tensor) -> None:
        gradient = gradient.to(weight.dtype)
        if not weight.is_leaf:
            self._pairs.append((weight, gradient))
        elif weight.grad is None:
            # a fused optimizer reads both as they lie in memory
            lies_alike = gradient.stride() == weight.stride()
            weight.grad = gradient if lies_alike else torch.empty_like(weight).copy_(gradient)
        else:
            weight.grad += gradient

    def conv2d(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        delta: Tensor,
        cotangent: Tensor | None,
        stride: int,
        padding: int,
    ) -> None:
        """Of a convolution of x whose output has the gradient delta; the bias was multiplied by the cotangent."""
        if weight.requires_grad:
            self.add(weight, conv_weight_gradient(delta, x, weight.shape[2], stride, padding))
        self._bias(bias, delta.sum((2, 3)), cotangent)

    def pooled_conv2d(
        self, x: Tensor, weight: Tensor, bias: Tensor | None, delta: Tensor, cotangent: Tensor | None
    ) -> None:
        if weight.requires_grad:
            self.add(weight, pooled_conv3_weight_gradient(delta, x))
        self._bias(bias, pooled_bias_gradient(delta), cotangent)

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None, delta: Tensor, cotangent: Tensor | None) -> None:
        if weight.requires_grad:
            self.add(weight, delta.t() @ x)
        self._bias(bias, delta, cotangent)

    def _bias(self, bias: Tensor | None, delta: Tensor, cotangent: Tensor | None) -> None:
        """delta: (N, C)."""
        if bias is not None and bias.requires_grad:
            delta = delta.to(bias.dtype)
            self.add(bias, delta.sum(dim=0) if cotangent is None else cotangent.to(bias.dtype) @ delta)

    def accumulate(self) -> None:
        """Bring the gradients of computed weights to their parameters."""
        if self._pairs:
            weights, gradients = zip(*self._pairs, strict=True)
            torch.autograd.backward(weights, gradients)
        self._pairs.clear()
