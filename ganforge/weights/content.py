"""Which numbers a tensor or a network has, in a few digits."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor, nn


def digest_of_tensor(value: Tensor) -> str:
    """The first 16 digits of the sha256 of its bytes, which are the same however it lies in memory."""
    content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return hashlib.sha256(content.numpy().data).hexdigest()[:16]


def digest_of(network: nn.Module) -> str:
    """The first 16 digits of the sha256 over names, shapes and numbers of all parameters and buffers."""
    state = sorted(network.state_dict().items())
    lines = [f"{name} {value.dtype} {tuple(value.shape)} {digest_of_tensor(value)}" for name, value in state]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
