"""The state of an optimizer survives as tensors."""

from __future__ import annotations

import copy

import pytest
import torch
from cases import ON_EACH_DEVICE
from torch import nn, optim

from ganforge.training.optimizers import optimizer_tensors, restore_optimizer


def test_the_state_of_an_optimizer_survives() -> None:
    layers = [nn.Linear(3, 2) for _ in range(2)]
    optimizers = [optim.Adam(layer.parameters()) for layer in layers]
    layers[0](torch.ones(1, 3)).sum().backward()
    optimizers[0].step()
    tensors = optimizer_tensors(optimizers[0], layers[0])
    assert sorted(tensors) == sorted(
        f"{name}:{key}" for name in ("weight", "bias") for key in ("step", "exp_avg", "exp_avg_sq")
    )
    restore_optimizer(optimizers[1], layers[1], tensors)
    again = optimizer_tensors(optimizers[1], layers[1])
    assert all(torch.equal(again[name], value) for name, value in tensors.items())


@pytest.mark.parametrize("kernel", ["fused", "capturable"])
@pytest.mark.parametrize("is_on", [True, False])
def test_counters_stand_where_the_optimizer_s_kernel_wants_them(kernel: str, is_on: bool) -> None:
    layer = nn.Linear(3, 2, device="meta")
    optimizer = optim.Adam(layer.parameters())
    optimizer.param_groups[0][kernel] = is_on
    saved = {"step": torch.tensor(5.0), "exp_avg": torch.zeros(2, 3), "exp_avg_sq": torch.zeros(2, 3)}
    restore_optimizer(optimizer, layer, {f"weight:{key}": value for key, value in saved.items()})
    where = {key: value.device.type for key, value in optimizer.state[layer.weight].items()}
    assert where == {"step": "meta" if is_on else "cpu", "exp_avg": "meta", "exp_avg_sq": "meta"}


@ON_EACH_DEVICE
def test_a_restored_optimizer_goes_on_as_one_that_was_not_saved(device: str) -> None:
    layer = nn.Linear(3, 2, device=device)
    optimizer = optim.Adam(layer.parameters(), fused=True)
    step(layer, optimizer)
    other = copy.deepcopy(layer)
    restored = optim.Adam(other.parameters(), fused=True)
    tensors = {name: value.cpu() for name, value in optimizer_tensors(optimizer, layer).items()}
    restore_optimizer(restored, other, tensors)
    step(layer, optimizer)
    step(other, restored)
    assert all(torch.equal(mine, its) for mine, its in zip(layer.parameters(), other.parameters(), strict=True))


def step(layer: nn.Linear, optimizer: optim.Optimizer) -> None:
    optimizer.zero_grad()
    layer(torch.ones(1, 3, device=layer.weight.device)).square().sum().backward()
    optimizer.step()
