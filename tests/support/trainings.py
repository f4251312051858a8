"""Trainings of a few steps in process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cases import images, networks, planned
from torch import Tensor

from ganforge.evaluation.score import Score
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import Stops
from ganforge.recipe.dump import recipe_hash
from ganforge.runs.rundir import RunDir
from ganforge.training.trainer import Trainer


class Stopped(Exception):  # noqa: N818 - an event, not an error
    """Raised where a test stops a run."""


class StopAfter(Listener):
    """Stops the run when a step is done, before its checkpoint would be written."""

    def __init__(self, step: int) -> None:
        self.last = step

    def step(self, report: Any) -> None:
        if report.step == self.last:
            raise Stopped


def trainer(
    data: dict[str, Any],
    folder: Path,
    listener: Listener | None = None,
    measure: Callable[[Generator], Score | None] | None = None,
    stops: Stops | None = None,
    processes: Processes = ALONE,
    device: str = "cpu",
) -> Trainer:
    """A trainer at step 0 for a recipe given as plain data; the same for the same data."""
    plan = planned(data)
    generator, discriminator = networks(plan)
    run = RunDir(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if processes.is_first:
        run.write_state(classes=list(plan.classes))
    return Trainer(
        plan,
        recipe_hash(plan.recipe),
        images(num_classes=len(plan.classes)),
        generator,
        discriminator,
        run,
        listener or Listener(),
        torch.device(device),
        measure,
        stops,
        processes,
    )


def tensors(trainer: Trainer) -> dict[str, Tensor]:
    """Copies of the parameters of both networks, under `generator.` and `discriminator.`."""
    return {
        f"{name}.{key}": value.clone()
        for name in ("generator", "discriminator")
        for key, value in getattr(trainer, name).state_dict().items()
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a run by its path."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
