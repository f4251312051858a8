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
    on_device = {
        parameter
        for group in optimizer.param_groups
        if group.get("fused") or group.get("capturable")
        for parameter in group["params"]
    }
    for name, parameter in network.named_parameters():
        for key, value in states.get(name, {}).items():
            if value.ndim == 0:  # counters; optimizers that compute in one kernel want them beside the parameter
                restored = value.to(parameter.device if parameter in on_device else value.device, copy=True)
            else:
                restored = _beside(value, parameter)
            optimizer.state[parameter][key] = restored


def _beside(value: Tensor, parameter: nn.Parameter) -> Tensor:
    """A copy on the parameter's device, and in its layout where it has its shape."""
    if value.shape != parameter.shape:
        return value.to(parameter.device, copy=True)
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
