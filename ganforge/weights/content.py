"""Which weights a network has, in a few digits."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def digest_of(network: nn.Module) -> str:
    """The first 16 digits of the sha256 over names and bytes of all parameters and buffers."""
    content = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        content.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        content.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()[:16]
