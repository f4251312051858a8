"""Interleaved measurements, the machine's peak, and counted work."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.nn import functional as F

from ganforge.cost.counting import WorkCounter
from ganforge.hardware import keep_freed_memory

K = TypeVar("K")


@dataclass(frozen=True)
class Timing:
    """Seconds of one subject over the repeats."""

    #: One for each repeat.
    all: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.all)

    @property
    def spread(self) -> float:
        """Longest minus shortest, as a share of the median."""
        return (max(self.all) - min(self.all)) / self.median

    def as_dict(self) -> dict[str, float]:
        return {"seconds": self.median, "spread": self.spread, "repeats": len(self.all)}


def interleaved(subjects: Mapping[K, Callable[[], object]], repeats: int, warmup: int = 1) -> dict[K, Timing]:
    """Each subject in turn, `warmup` rounds unmeasured and `repeats` measured: what slows one round slows all."""
    seconds: dict[K, list[float]] = {name: [] for name in subjects}
    for number in range(warmup + repeats):
        for name, subject in subjects.items():
            started = time.perf_counter()
            subject()
            if number >= warmup:
                seconds[name].append(time.perf_counter() - started)
    return {name: Timing(tuple(found)) for name, found in seconds.items()}


def peak_gflops(dtype: torch.dtype, trials: int = 8) -> float:
    """Best rate of a 3x3 convolution, `channels_last`, over a few sizes: GFLOP/s (a multiply-add counts as two)."""
    best = 0.0
    for channels, side in ((64, 128), (128, 64), (256, 32)):
        h = torch.randn(16, channels, side, side).to(dtype).contiguous(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3).to(dtype).contiguous(memory_format=torch.channels_last)
        work = 2 * 16 * side * side * 9 * channels * channels
        for _ in range(trials):
            started = time.perf_counter()
            F.conv2d(h, weight, padding=1)
            best = max(best, work / (time.perf_counter() - started) / 1e9)
    return best


def memory_mib(*, peak: bool = False) -> float:
    """What this process holds, or the most it has held, in MiB (Linux). Unlike getrusage's, not its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:" if peak else "VmRSS:")[1].split()[0]) / 1024


def counted_gflop(subject: Callable[[], object]) -> dict[torch.dtype, float]:
    """Work of the convolutions and products of one call, by number format."""
    with WorkCounter() as counter:
        subject()
    return {getattr(torch, dtype): flop / 1e9 for dtype, flop in counter.work.flop.items()}


class Isolated(AbstractContextManager["Isolated"]):
    """A subject in a process of its own, which it keeps between its turns: none lives on another's memory."""

    def __init__(self, make: Callable[[], Callable[[int], Any]], *, tuned: bool) -> None:
        """make: what the process calls to get the subject; tuned: whether its allocator keeps what is freed."""
        spawn = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, mp_context=spawn, initializer=_begin, initargs=(make, tuned))

    def __call__(self, number: int) -> Any:
        """What the subject returns for `number`."""
        return self._process.submit(_call, number).result()

    def counted_gflop(self, number: int) -> dict[torch.dtype, float]:
        return self._process.submit(_count, number).result()

    def peak_mib(self) -> float:
        """The most it has held so far, beyond what it held when it was made."""
        return self._process.submit(_growth).result()

    def __exit__(self, *error: object) -> None:
        self._process.shutdown()


#: In the process of an `Isolated`: its subject, and the MiB that the process held before the first call.
_state: dict[str, Any] = {}


def _begin(make: Callable[[], Callable[[int], Any]], tuned: bool) -> None:
    if tuned:
        keep_freed_memory()
    _state["subject"] = make()
    _state["mib"] = memory_mib()


def _call(number: int) -> Any:
    return _state["subject"](number)


def _count(number: int) -> dict[torch.dtype, float]:
    return counted_gflop(lambda: _call(number))


def _growth() -> float:
    return memory_mib(peak=True) - _state["mib"]
