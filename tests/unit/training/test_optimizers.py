"""The state of an optimizer survives as tensors."""

from __future__ import annotations

import torch
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
