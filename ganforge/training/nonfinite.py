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


def advice(reason: str, *, has_logit_penalties: bool) -> str:
    """What may help: where the penalty alone grew beyond all numbers, and no loss, its gamma is too large.

    A gradient of the discriminator is that of both, and doesn't tell; penalties on logits are part of its losses.
    """
    gamma = "a larger"
    if "loss_" not in reason and "penalty_" in reason:
        gamma = "a smaller"
    elif "loss_" not in reason and "discriminator" in reason:
        gamma = "another"
    ways = ["a lower learning rate", f"{gamma} gamma of the R1 penalty"]
    ways += ["a smaller weight of the penalties on logits"] if has_logit_penalties else []
    return f"Try {', '.join(ways[:-1])} or {ways[-1]}."
