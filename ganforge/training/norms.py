"""Sizes of a network's numbers by block, for a look at a training that went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn


def block_norms(network: nn.Module) -> dict[str, dict[str, str | None]]:
    """Block -> norm of its weights and of their gradients; as text, since JSON has no infinity.

    The gradient is None where there is none: frozen, or not computed before the training stopped.
    """
    blocks = defaultdict[str, list[nn.Parameter]](list)
    for name, parameter in network.named_parameters():
        blocks[name.split(".")[0]].append(parameter)
    return {
        block: {
            "weights": _norm(parameters),
            "gradients": _norm(p.grad for p in parameters if p.grad is not None),
        }
        for block, parameters in blocks.items()
    }


def _norm(tensors: Iterable[Tensor]) -> str | None:
    found = [torch.linalg.vector_norm(tensor.detach().double()) for tensor in tensors]
    return f"{torch.stack(found).norm().item():.6g}" if found else None
