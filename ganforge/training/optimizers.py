"""The state of an optimizer as tensors that are named by the network's parameters."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn, optim


def optimizer_tensors(optimizer: optim.Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """The optimizer's state as `<parameter>:<name of the state>`."""
    found = {}
    for name, parameter in network.named_parameters():
        for key, value in optimizer.state.get(parameter, {}).items():
            found[f"{name}:{key}"] = torch.as_tensor(value)
    return found


def restore_optimizer(optimizer: optim.Optimizer, network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Inverse of `optimizer_tensors`."""
    states: dict[str, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        owner, key = name.rsplit(":", 1)
        states.setdefault(owner, {})[key] = value
    for name, parameter in network.named_parameters():
        if name in states:
            optimizer.state[parameter] = {key: _beside(value, parameter) for key, value in states[name].items()}


def _beside(value: Tensor, parameter: nn.Parameter) -> Tensor:
    """A copy with the parameter's device and layout where it has its shape; counters stay where they are."""
    if value.shape != parameter.shape or value.ndim == 0:
        return value.clone()
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
