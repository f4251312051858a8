"""Memory that `run --dry-run --gpus` counts, against what a process is given that really does the steps."""

from __future__ import annotations

import gc
import multiprocessing
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from benchmarks.steps import plan_of
from ganforge.cost.estimate import EXACT, FAST, count_stages
from ganforge.listener import Listener
from ganforge.plan.plan import Plan
from ganforge.recipe.dump import recipe_hash
from ganforge.rehearsal import made_up_images
from ganforge.runs.rundir import RunDir
from ganforge.start import build_networks
from ganforge.training.trainer import Trainer

#: Name -> recipe, factor of all widths, values to change.
CASES = {
    "64 px, batch 16": ("dr_transfer_cgan.yaml", 1.0, ("training.batch=16", "training.step=exact")),
    "64 px, batch 16, bfloat16": ("dr_transfer_cgan.yaml", 1.0, ("training.batch=16", "training.step=fast")),
    "64 px, batch 16, by 4": (
        "dr_transfer_cgan.yaml",
        1.0,
        ("training.batch=16", "training.microbatch=4", "training.step=exact"),
    ),
    "128 px, width 32, batch 4": ("paper/dr_scratch_cgan.yaml", 0.5, ("training.batch=4",)),
}


def memory(repeats: int) -> dict[str, Any]:
    """MB that were counted, that torch handed out, and by which the process grew, in three steps. Not repeated."""
    rows = {}
    for name in CASES:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            rows[name] = process.submit(compared, name).result()
    return rows


def compared(name: str) -> dict[str, float]:
    """One case, in a process of its own, whose allocator gives back what is freed."""
    recipe, factor, overrides = CASES[name]
    plan = plan_of(recipe, factor, overrides)
    (cost,) = count_stages(plan, 1, EXACT if plan.recipe.training.step == "exact" else FAST, [0])
    for dtype in (torch.float32, torch.bfloat16):  # libraries take room of their own when they are first used
        weight = torch.rand(4, 4, 3, 3, dtype=dtype, requires_grad=True)
        F.conv2d(torch.rand(2, 4, 8, 8, dtype=dtype), weight).sum().backward()
    gc.collect()
    with _Watch() as watch:
        _three_steps(plan)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        _three_steps(plan)
    handed_out = _peak(profiler)
    return {
        "counted_mb": cost.peak / 1e6,
        "handed_out_mb": handed_out / 1e6,
        "handed_out_ratio": handed_out / cost.peak,
        "grown_mb": watch.grown / 1e6,
        "grown_ratio": watch.grown / cost.peak,
    }


def _three_steps(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(Path(folder))
        run.write_state(classes=list(plan.classes))
        networks, device = build_networks(plan), torch.device("cpu")
        images = made_up_images(plan)
        trainer = Trainer(plan, recipe_hash(plan.recipe), images, *networks, run, Listener(), device)
        for _ in range(3):
            trainer.advance()


def _peak(profiler: profile) -> int:
    """The most bytes that torch's allocator had handed out."""
    assert profiler.profiler is not None
    results: Any = profiler.profiler.kineto_results
    live = peak = 0
    for event in sorted(results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    return peak


class _Watch:
    """Looks each millisecond at what the process holds beside its files (Linux)."""

    def __enter__(self) -> _Watch:
        self._before = self._most = _anonymous()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self) -> None:
        while not self._done.wait(0.001):
            self._most = max(self._most, _anonymous())

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grown(self) -> int:
        """Bytes."""
        return self._most - self._before


def _anonymous() -> int:
    return 1024 * int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0])
