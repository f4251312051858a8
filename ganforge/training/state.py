"""What a training carries from one step to the next, as the tensors of a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ganforge.errors import DivergedError, ProcessError
from ganforge.networks.staged import Generator
from ganforge.processes.group import Processes
from ganforge.training.ema import MovingAverage
from ganforge.training.optimizers import optimizer_tensors, restore_optimizer
from ganforge.training.players import Players
from ganforge.weights.content import digest_of_tensor


def state_tensors(players: Players, average: MovingAverage[Generator]) -> dict[str, Mapping[str, Tensor]]:
    """File stem -> name -> tensor, not copied: networks, moving average, optimizers, what follows the logits."""
    tensors: dict[str, Mapping[str, Tensor]] = {
        "generator": players.generator.state_dict(),
        "generator_average": average.network.state_dict(),
        "discriminator": players.discriminator.state_dict(),
        "generator_optimizer": optimizer_tensors(players.generator_optimizer, players.generator),
        "discriminator_optimizer": optimizer_tensors(players.discriminator_optimizer, players.discriminator),
    }
    tensors |= {stem: module.state_dict() for stem, module in players.followers.items()}
    return tensors


def restore_tensors(
    players: Players, average: MovingAverage[Generator], tensors: Mapping[str, Mapping[str, Tensor]]
) -> None:
    """The inverse of `state_tensors`. Raises KeyError, RuntimeError or ValueError where they don't fit."""
    modules = {
        "generator": players.generator,
        "generator_average": average.network,
        "discriminator": players.discriminator,
        **players.followers,
    }
    for stem, module in modules.items():
        _load(module, tensors[stem])
    restore_optimizer(players.generator_optimizer, players.generator, tensors["generator_optimizer"])
    restore_optimizer(players.discriminator_optimizer, players.discriminator, tensors["discriminator_optimizer"])


def _load(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """With the number formats that the module has, which torch would convert to without a word."""
    for name, own in module.state_dict().items():
        if name in tensors and tensors[name].dtype != own.dtype:
            raise ValueError(f"'{name}' is {tensors[name].dtype}, not {own.dtype}.".replace("torch.", ""))
    module.load_state_dict(tensors)


def expect_finite(tensors: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
    """Raise DivergedError if a tensor of `state_tensors` holds numbers that are not finite."""
    for stem, named in tensors.items():
        for name, value in named.items():
            if not bool(torch.isfinite(value).all()):
                raise DivergedError(
                    f"training diverged at step {step}: '{name}' of the {stem.replace('_', ' ')} holds numbers that "
                    "are not finite. Nothing was written; resume continues from the checkpoint before. Try a lower "
                    "learning rate."
                )


def expect_equal_state(tensors: Mapping[str, Mapping[str, Tensor]], processes: Processes, step: int) -> None:
    """Raise ProcessError, on all processes, if a tensor of one differs by a bit from that of the first."""
    if processes.size == 1:
        return
    digests = {
        f"{stem} {name}": digest_of_tensor(value) for stem, named in tensors.items() for name, value in named.items()
    }
    whole = hashlib.sha256("".join(digests.values()).encode()).hexdigest()
    if len(set(processes.gather(whole))) == 1:
        return
    found = processes.gather(digests)
    names = dict.fromkeys(name for each in found for name in each)
    name = next(name for name in names if len({each.get(name) for each in found}) > 1)
    others = [str(rank) for rank, each in enumerate(found) if each.get(name) != found[0].get(name)]
    raise ProcessError(
        f"the processes don't agree any more at step {step}: '{name}' of rank{'s' if len(others) > 1 else ''} "
        f"{', '.join(others)} differs from that of rank 0. Nothing was written. A part that keeps statistics of "
        "its own batch trains on one process alone; else a machine computes wrongly."
    )
