"""Real images once in each epoch: a function of the seed and the number of the sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cases import images
from hypothesis import given
from hypothesis import strategies as st

from ganforge.data.samplers import Epochs
from ganforge.training.epochs import EpochOrder
from ganforge.training.reals import RealImages


@given(st.integers(1, 12), st.integers(0, 5), st.integers(0, 40))
def test_every_image_comes_once_in_each_epoch_in_whatever_parts_it_is_asked_for(m: int, seed: int, start: int) -> None:
    whole = EpochOrder(m, seed).indices(range(4 * m)).tolist()
    assert all(sorted(whole[k * m : (k + 1) * m]) == list(range(m)) for k in range(4))
    again = EpochOrder(m, seed)
    start %= 4 * m
    # the end first, then one by one from the start: as a run that is resumed, or divided among processes
    assert again.indices(range(start, 4 * m)).tolist() == whole[start:]
    assert [int(again.indices([sample])) for sample in range(4 * m)] == whole


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    order = EpochOrder(100, 0).indices(range(300)).view(3, 100)
    assert not torch.equal(order[0], order[1]) and not torch.equal(order[1], order[2])
    assert not torch.equal(order[0], EpochOrder(100, 1).indices(range(100)))


def test_all_places_are_equally_likely() -> None:
    m, num_epochs = 5, 4000
    order = EpochOrder(m, 3).indices(range(m * num_epochs)).view(num_epochs, m)
    counts = torch.stack([(order == image).sum(0) for image in range(m)]).double()
    expected = num_epochs / m
    chi_squared = float(((counts - expected) ** 2 / expected).sum())
    assert chi_squared < 39.3  # 0.1% of the chi-squared distribution with (m - 1)^2 = 16 degrees of freedom


def test_long_trainings_keep_two_orders() -> None:
    order = EpochOrder(3, 0)
    for sample in range(0, 60, 2):
        order.indices([sample, sample + 1])
        assert len(order._orders) <= 2


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_shares_of_all_processes_together_are_an_epoch(size: int) -> None:
    data = images(12)
    weights = Epochs().weights(data.labels.tolist(), 2)
    seen = []
    for step in range(3):
        batch = range(4 * step, 4 * step + 4)
        for rank in range(size):
            own = batch[rank * 4 // size : (rank + 1) * 4 // size]
            reals = RealImages(data, weights, 7, torch.device("cpu"), by_epoch=True)
            drawn = reals.batch(own)
            where = reals.indices(own).numpy()
            assert np.array_equal(((drawn.images + 1) * 127.5).round().numpy(), data.images[where])
            assert drawn.labels.tolist() == data.labels[where].tolist()
            seen += where.tolist()
    assert sorted(seen) == list(range(12))
    assert seen == EpochOrder(12, 7).indices(range(12)).tolist()
