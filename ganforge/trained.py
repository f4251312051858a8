"""A trained generator, from wherever it lies: a run, one checkpoint of it, or a folder that was exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ganforge.card import Card, card_of_run
from ganforge.errors import CheckpointError
from ganforge.files import is_file
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.opening import best_checkpoint, generator_of, open_run
from ganforge.plan.plan import NetworkPlan
from ganforge.registry import Components
from ganforge.runs.checkpoint import AVERAGE, load_best, load_checkpoint
from ganforge.runs.rundir import expect_there, is_run


@dataclass(frozen=True)
class Trained:
    """The moving average of a generator, the plan that it was built by, and its card."""

    generator: Generator
    plan: NetworkPlan
    card: Card


def open_trained(path: Path, components: Components, device: torch.device, listener: Listener) -> Trained:
    """The generator at `path`: of a run, of one of its checkpoints, or of an exported folder.

    Of a run it is that of the best checkpoint if it keeps one, else of the newest. Warns of checkpoints that would have
    been taken and don't verify or are gone; raises CheckpointError where nothing can be used.
    """
    if is_run(path):
        return _of_run(path, None, components, device, listener)
    if is_file(path / "state.json") and is_run(path.resolve().parent.parent):
        return _of_run(path.resolve().parent.parent, path, components, device, listener)
    if is_file(path / "config.json") and is_file(path / "manifest.json"):
        from ganforge.exports.read import open_exported

        return open_exported(path, components, device)
    expect_there(path)
    raise CheckpointError(
        f"{path} holds no generator: it is no folder of a run (with run.json and recipe.yaml), no checkpoint of one, "
        "and no folder that `ganforge export` wrote (with config.json and manifest.json)."
    )


def _of_run(
    path: Path, asked: Path | None, components: Components, device: torch.device, listener: Listener
) -> Trained:
    plan, run_dir = open_run(path, components)
    if asked is None:
        checkpoint, is_chosen = best_checkpoint(plan, run_dir, listener), True
    else:
        checkpoint = load_checkpoint(asked, [AVERAGE])
        if checkpoint.recipe_hash != run_dir.read_state().get("recipe"):
            raise CheckpointError(f"{asked} is a checkpoint of another recipe than that of {path}.")
        is_chosen = load_best(run_dir.checkpoints, [AVERAGE])[0].step == checkpoint.step
    generator = generator_of(plan, checkpoint).to(device)
    card = card_of_run(plan, run_dir, checkpoint.step, is_chosen=is_chosen, is_conditional=generator.is_conditional)
    return Trained(generator, plan.generator, card)
