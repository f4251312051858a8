"""The cache of prepared images: made once, in parallel, then opened as one memory-mapped file.

A prepared set is a folder `prepared/KEY` in the cache with `images.npy`, uint8 (N, 3, R, R), and `index.json`.
KEY is a hash of everything that decides its pixels, so a set never goes stale. It is written under another name
and renamed when it is whole: whatever stops the work leaves nothing that could be taken for a set.
"""

# N images, R pixels a side

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.cache import unwritable
from ganforge.data.images import LoadContext
from ganforge.data.listing import refuse
from ganforge.errors import DataError
from ganforge.files import write_bytes

#: Part of each key; counts up when the same options give other pixels.
VERSION = 2
#: Below this many images, starting processes costs more than it saves.
MIN_PARALLEL = 64
_CHUNK = 4
_ABANDONED_AFTER_S = 24 * 3600


@dataclass(frozen=True)
class Made:
    """One image, or the reason why there is none."""

    #: uint8 (R, R, 3), or None.
    pixels: NDArray[np.uint8] | None
    #: Pixels along the side of the square that it was resized from.
    source_side: int = 0
    reason: str = ""


@dataclass(frozen=True)
class PreparedSet:
    """images: uint8 (N, 3, R, R), memory-mapped and read-only; sha256 is over their bytes."""

    images: NDArray[np.uint8]
    source_sides: tuple[int, ...]
    sha256: str


def prepared_set(
    make: Callable[[Any], Made],
    items: Sequence[Any],
    names: Sequence[str],
    decided_by: Sequence[Any],
    resolution: int,
    context: LoadContext,
    what: str = "preparing images",
) -> PreparedSet:
    """The images that `make` gives for `items`, from the cache if they were made before.

    make: pure, importable by name (it is pickled to the worker processes) and independent of the order.
    decided_by: all that decides the pixels besides the resolution, as JSON data: hashes of the files, options.
    Raises DataError with the names and reasons of all items without image; nothing is cached then.
    """
    if not items:
        raise DataError("there are no images to prepare.")
    text = json.dumps([VERSION, resolution, list(decided_by)], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    folder = context.cache / "prepared" / key
    shape = (len(items), 3, resolution, resolution)
    try:
        if folder.exists():
            try:
                return _open(folder, shape)
            # json and numpy raise ValueError, EOFError, RecursionError, ... for damaged files
            except Exception as error:
                context.warn(f"the prepared images in {folder} are damaged ({error}) and are made again.")
                _discard(folder)
        with _aside(folder) as unfinished:
            _write(unfinished, make, items, names, shape, context, what)
    except OSError as error:  # files that can't be read are reasons in what `make` returns
        raise unwritable("prepared images", context.cache, error) from error
    return _open(folder, shape)


def made_by(make: Callable[[Any], Made], items: Sequence[Any], workers: int) -> Iterator[Made]:
    """What `make` gives for each item, in order: in this process for small sets, else in `workers` others."""
    if workers <= 1 or len(items) < MIN_PARALLEL:
        yield from map(make, items)
        return
    processes = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield from processes.map(make, items, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        raise DataError(
            "a process that prepared images ended early. Either memory ran out, or a script was run without "
            '`if __name__ == "__main__":` around its calls, or the preparation is in a file that can\'t be imported '
            "by name. With 1 worker no processes are started."
        ) from error
    finally:
        processes.shutdown(wait=True, cancel_futures=True)


def _open(folder: Path, shape: tuple[int, ...]) -> PreparedSet:
    index = json.loads((folder / "index.json").read_bytes())
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    if images.shape != shape or images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype} {images.shape}, not uint8 {shape}")
    sides = index["source_sides"]
    if not isinstance(sides, list) or not all(isinstance(side, int) for side in sides):
        raise ValueError("the index has no list of sides in pixels")
    if len(sides) != len(images):
        raise ValueError("the index has another number of images")
    if _sha256(images) != index["sha256"]:
        raise ValueError("the pixels are not those that were written")
    return PreparedSet(images, tuple(sides), index["sha256"])


def _write(
    folder: Path,
    make: Callable[[Any], Made],
    items: Sequence[Any],
    names: Sequence[str],
    shape: tuple[int, ...],
    context: LoadContext,
    what: str,
) -> None:
    problems, sides = [], []
    digest = hashlib.sha256()
    made: Iterable[Made] = context.progress(made_by(make, items, context.workers), len(items), what)
    # Written in order rather than through a memory map: on a full disk this is an error, and that a crash.
    with (folder / "images.npy").open("wb") as stream:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for name, image in zip(names, made, strict=True):
            if image.pixels is None:
                problems.append(f"{name} {image.reason}.")
                continue
            assert image.pixels.shape == (*shape[2:], 3) and image.pixels.dtype == np.uint8
            pixels = image.pixels.transpose(2, 0, 1).tobytes()
            stream.write(pixels)
            digest.update(pixels)
            sides.append(image.source_side)
        refuse("some images can't be used", problems, "Replace these files, or take them out of the set.")
        stream.flush()
        os.fsync(stream.fileno())
    index = {"version": VERSION, "source_sides": sides, "sha256": digest.hexdigest()}
    write_bytes(folder / "index.json", json.dumps(index).encode())


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A fresh folder that becomes `folder` if the block ends well, and is removed if it doesn't."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for abandoned in folder.parent.glob("*.partial"):
        if time.time() - abandoned.stat().st_mtime > _ABANDONED_AFTER_S:
            shutil.rmtree(abandoned, ignore_errors=True)
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.{time.time_ns()}.partial")
    unfinished.mkdir()
    try:
        yield unfinished
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():  # otherwise another process made the same set meanwhile
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _discard(folder: Path) -> None:
    doomed = folder.with_name(f"{folder.name}.{os.getpid()}.{time.time_ns()}.partial")
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _sha256(images: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256()
    for image in images:
        digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
