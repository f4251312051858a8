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
from ganforge.training.step import Players
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
    tensors |= {stem: module.state_dict() for stem, module in _followers(players).items() if module.state_dict()}
    return tensors


def _followers(players: Players) -> dict[str, nn.Module]:
    """Modules that may follow the logits from step to step, by the stem of their file."""
    families = {"augmentation": players.augmentations, "logit_penalty": players.logit_penalties}
    return {f"{name}_{index}": module for name, modules in families.items() for index, module in enumerate(modules)}


def restore_tensors(
    players: Players, average: MovingAverage[Generator], tensors: Mapping[str, Mapping[str, Tensor]]
) -> None:
    """The inverse of `state_tensors`. Raises KeyError, RuntimeError or ValueError where they don't fit."""
    players.generator.load_state_dict(tensors["generator"])
    average.network.load_state_dict(tensors["generator_average"])
    players.discriminator.load_state_dict(tensors["discriminator"])
    restore_optimizer(players.generator_optimizer, players.generator, tensors["generator_optimizer"])
    restore_optimizer(players.discriminator_optimizer, players.discriminator, tensors["discriminator_optimizer"])
    for stem, module in _followers(players).items():
        # a run that goes on from the checkpoint of another may have others
        if module.state_dict() and stem in tensors:
            module.load_state_dict(tensors[stem])


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
