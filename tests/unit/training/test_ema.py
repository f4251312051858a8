"""The moving average of the generator."""

import torch
from cases import PROPERTY
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganforge.training.ema import MovingAverage


def layer(value: float) -> nn.BatchNorm1d:
    norm = nn.BatchNorm1d(2).double()
    nn.init.constant_(norm.weight, value)
    return norm


@PROPERTY
@given(st.lists(st.floats(-2, 2), min_size=1, max_size=6), st.floats(0, 0.999))
def test_the_average_follows_its_formula(values: list[float], decay: float) -> None:
    network = layer(0.5)
    average, expected = MovingAverage(network, decay), 0.5
    for step, value in enumerate(values):
        nn.init.constant_(network.weight, value)
        average.update(network, step)
        share = min(decay, (1 + step) / (10 + step))
        expected = share * expected + (1 - share) * value
    torch.testing.assert_close(
        average.network.weight, torch.full((2,), expected, dtype=torch.float64), rtol=1e-9, atol=1e-9
    )
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_buffers_are_copied() -> None:
    network = layer(1.0)
    average = MovingAverage(network, 0.999)
    network(torch.randn(8, 2).double())
    average.update(network, 0)
    assert torch.equal(average.network.running_mean, network.running_mean)


def test_the_average_is_a_network_of_its_own() -> None:
    network = layer(1.0)
    average = MovingAverage(network, 0.9)
    average.update(network, 0)
    assert average.network.weight.data_ptr() != network.weight.data_ptr()
    assert network.weight.requires_grad
