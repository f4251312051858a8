"""What is told of a training in which a number stopped being finite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ganforge.training.norms import block_norms


def report(reason: str, step: int, samples: range, images: Tensor, networks: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Where it happened: step, samples, and the norms of each block. Images go by number: names may be patients'."""
    return {
        "step": step,
        "reason": reason,
        "samples": [samples[0], samples[-1]],
        "images": images.tolist(),
        "norms": {name: block_norms(network) for name, network in networks.items()},
    }


def other_gamma(reason: str) -> str:
    """Which gamma may help: where the penalty alone grew beyond all numbers, and no loss, it weighs too much.

    A gradient of the discriminator is that of both, and doesn't tell.
    """
    if "loss_" in reason:
        return "a larger"
    return "a smaller" if "penalty_" in reason else "another" if "discriminator" in reason else "a larger"
