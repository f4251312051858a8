"""The same step on one process and on two that talk by gloo, on this machine."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import interleaved
from benchmarks.steps import WARM_UP, plan_of
from ganforge.hardware import keep_freed_memory
from ganforge.listener import Listener
from ganforge.processes.join import joined
from ganforge.recipe.dump import recipe_hash
from ganforge.rehearsal import made_up_images
from ganforge.runs.rundir import RunDir
from ganforge.start import build_networks
from ganforge.training.trainer import Trainer

RECIPE = "dr_transfer_cgan.yaml"
#: One of them has the gradient penalty, as one of four in the recipe.
STEPS = 4
#: Name -> processes, threads of each. The first is what the others are compared with.
SUBJECTS = {
    "1 process, 1 thread": (1, 1),
    "1 process, 2 threads": (1, 2),
    "2 processes, 1 thread each": (2, 1),
}


def processes(repeats: int) -> dict[str, Any]:
    """Seconds of a step of the same batch, and how many times as fast as on one process with one thread."""
    with ExitStack() as stack:
        groups = {name: stack.enter_context(_group(*how)) for name, how in SUBJECTS.items()}
        times = interleaved(groups, repeats, WARM_UP)
    base = times[next(iter(SUBJECTS))].median
    return {
        name: {**timing.as_dict(), "seconds": timing.median / STEPS, "speedup": base / timing.median}
        for name, timing in times.items()
    }


@contextmanager
def _group(size: int, threads: int) -> Iterator[Callable[[], None]]:
    """What lets `size` processes do the next steps and waits for them. They keep their state, and wait idle between."""
    spawn = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ranks = [
            stack.enter_context(
                ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin, initargs=(rank, size, threads, folder))
            )
            for rank in range(size)
        ]

        def advance() -> None:
            for done in [rank.submit(_advance) for rank in ranks]:
                done.result()

        yield advance


#: In a process of a group: its training.
_state: dict[str, Trainer] = {}


def _begin(rank: int, size: int, threads: int, folder: Path) -> None:
    torch.set_num_threads(threads)
    keep_freed_memory()
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size)}
    stack = ExitStack()
    atexit.register(stack.close)
    among = stack.enter_context(joined(url=f"file://{folder / 'meeting'}"))
    plan = plan_of(RECIPE, 1.0, ["training.step=exact"])
    run = RunDir(folder / str(rank))
    run.path.mkdir()
    run.write_state(classes=list(plan.classes))
    networks, device = build_networks(plan), torch.device("cpu")
    images = made_up_images(plan)
    _state["trainer"] = Trainer(
        plan, recipe_hash(plan.recipe), images, *networks, run, Listener(), device, processes=among
    )


def _advance() -> None:
    trainer = _state["trainer"]
    trainer.step = 0  # the batch and the stage stay those of the beginning
    for _ in range(STEPS):
        trainer.advance()
