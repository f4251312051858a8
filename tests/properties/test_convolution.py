"""The gradients of a convolution, each by itself, are autograd's on every way that they are computed."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from cases import PROPERTY
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from ganforge.blocks import convolution
from ganforge.blocks.convolution import conv_input_gradient, conv_weight_gradient


@pytest.mark.parametrize("small_side", [0, 100])
@PROPERTY
@given(
    sides=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    kernel=st.sampled_from([1, 3, 7]),
    stride=st.sampled_from([1, 2]),
    layout=st.sampled_from([torch.contiguous_format, torch.channels_last]),
    seed=st.integers(0, 1000),
)
def test_gradients_are_autograds(
    sides: tuple[int, int], kernel: int, stride: int, layout: torch.memory_format, seed: int, small_side: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    padding = kernel // 2
    h = torch.randn(2, 3, *sides, generator=generator, dtype=torch.float64).contiguous(memory_format=layout)
    weight = torch.randn(4, 3, kernel, kernel, generator=generator, dtype=torch.float64)
    h, weight = h.requires_grad_(), weight.requires_grad_()
    out = F.conv2d(h, weight, stride=stride, padding=padding)
    delta = torch.randn(out.shape, generator=generator, dtype=torch.float64)
    by_input, by_weight = torch.autograd.grad(out, (h, weight), delta)
    with patch.object(convolution, "SMALL_SIDE", small_side):
        found = conv_weight_gradient(delta, h.detach(), kernel, stride, padding)
    torch.testing.assert_close(found, by_weight, rtol=1e-10, atol=1e-10)
    found = conv_input_gradient(delta, h.detach(), weight.detach(), stride, padding)
    torch.testing.assert_close(found, by_input, rtol=1e-10, atol=1e-10)
