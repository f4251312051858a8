"""Sets that may be larger than the memory: views of memory-mapped shards against a copy of all pixels in memory."""

# N images

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganforge.data.assemble import labelled
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.prepared import Made, prepared_set

if TYPE_CHECKING:
    from ganforge.training.reals import RealImages

#: 123 MB of pixels.
N, SIDE = 10_000, 64
BATCH = 32
#: Images that are read in turn from memory and from the map.
TURN = 800


def large_set(repeats: int) -> dict[str, Any]:
    """Seconds and memory (mapped files not counted) until a prepared set can be trained on, then images/s of batches.

    copied: all pixels are verified, and those to train on copied into memory. views: as ganforge does it; an image is
    verified when it is first read, for which the first epoch pays. Files are in the system's cache.
    """
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        _images(Path(folder))
        opened: dict[str, list[tuple[float, float]]] = {"copied": [], "views": []}
        # a process for each opening, so that none lives on memory that another let go of
        with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as processes:
            for _ in range(repeats):
                for name, found in opened.items():
                    found.append(processes.submit(_opened, Path(folder), name).result())
            rates = processes.submit(_rates, Path(folder)).result()
    rows: dict[str, Any] = {}
    for name, found in opened.items():
        seconds, mib = (statistics.median(column) for column in zip(*found, strict=True))
        rows[f"open, {name}"] = {"seconds": seconds, "anonymous_mib": mib}
    rows |= {f"batches, {name}": {"images_per_second": rate} for name, rate in rates.items()}
    for name, row in rows.items():
        base = rows[f"{name.split(',')[0]}, copied"]
        row |= {f"{column} / copied": value / base[column] for column, value in row.items()}
    return rows


def _opened(cache: Path, name: str) -> tuple[float, float]:
    """Seconds, and growth of the process in MiB."""
    _images(cache, 1)  # what the first call imports
    before, started = _anonymous_mib(), time.perf_counter()
    train = _to_train_on(cache, name)
    seconds, grown = time.perf_counter() - started, _anonymous_mib() - before
    assert len(train) == N - N // 5
    return seconds, grown


def _rates(cache: Path) -> dict[str, float]:
    """Images/s, in turn, so that what slows one slows all."""
    sources = {name: _reals(_to_train_on(cache, name)) for name in ("copied", "views")}
    turns = {"copied": "copied", "views, first epoch": "views", "views, later": "views"}
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for first in range(0, N - N // 5 - TURN + 1, TURN):
        for name, source in turns.items():
            started = time.perf_counter()
            for start in range(first, first + TURN, BATCH):
                sources[source].batch(range(start, start + BATCH))
            seconds[name].append(time.perf_counter() - started)
    return {name: TURN / statistics.median(found) for name, found in seconds.items()}


def _to_train_on(cache: Path, name: str) -> LabelledImages:
    images = _images(cache)
    train = images.subset(np.arange(N // 5, N))
    if name == "copied":
        np.asarray(images.images)
        train = train.in_memory()
    return train


def _reals(train: LabelledImages) -> RealImages:
    import torch

    from ganforge.training.reals import RealImages

    return RealImages(train, [1 / len(train)] * len(train), 0, torch.device("cpu"), by_epoch=True)


def _images(cache: Path, count: int = N) -> LabelledImages:
    prepared = prepared_set(
        _noise, range(count), lambda refused: None, ["noise", count], SIDE, LoadContext(cache, workers=1)
    )
    names = [str(item) for item in range(count)]
    return labelled(prepared, [0] * count, names, names, ("noise",), "noise", "CC0-1.0", "none", is_phantom=True)


def _noise(item: int) -> Made:
    return Made(np.random.default_rng(item).integers(0, 256, (SIDE, SIDE, 3), np.uint8), SIDE)


def _anonymous_mib() -> float:
    """What this process holds besides files that it has mapped, in MiB (Linux)."""
    return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1024
