"""All cases by name, each measured in a process of its own."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks import large_sets, memorisation, memory, parts, processes, steps
from benchmarks.measure import memory_mib, peak_gflops
from ganforge.hardware import keep_freed_memory

#: Training steps, each of which has a process of its own.
STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    **{name: partial(steps.case, name) for name in steps.CASES},
    "ablation": steps.ablation,
}
#: What is measured in the process of the case.
PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "sampling_64": partial(parts.sampling, "dr_transfer_cgan.yaml"),
    "sampling_128": partial(parts.sampling, "paper/dr_transfer_cgan.yaml"),
    "data_loading": parts.data_loading,
    "large_set": large_sets.large_set,
    "preparation": parts.preparation,
    "compiled": parts.compiled,
    "fid_distance": parts.fid_distance,
    "memorisation": memorisation.memorisation,
    "growth": parts.growth,
    "memory": memory.memory,
    "processes": processes.processes,
}
CASES = (*STEPS, *PARTS)


def measured(name: str, repeats: int, *, tuned: bool) -> dict[str, Any]:
    """One case, in a process of its own, so that none sees the memory of another; and the machine just then."""
    tuned = tuned and keep_freed_memory()
    found = STEPS[name](repeats, tuned=tuned) if name in STEPS else PARTS[name](repeats)
    return {"machine": machine(tuned=tuned), **found, "process_peak_mib": memory_mib(peak=True)}


def machine(*, tuned: bool) -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "peak_gflops_float32": peak_gflops(torch.float32),
        "peak_gflops_bfloat16": peak_gflops(torch.bfloat16),
        "allocator_tuned": tuned,
    }
