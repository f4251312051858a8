"""The cache of prepared images: made once, in parallel, then opened as one memory-mapped file.

A prepared set is a folder `prepared/KEY` in the cache with `images.npy`, uint8 (N, 3, R, R), and `index.json`.
KEY is a hash of everything that decides its pixels, so a set never goes stale. It is written under another name
and renamed when it is whole: whatever stops the work leaves nothing that could be taken for a set, and the next try
goes on from there (see `ganforge.data.workplace`).
"""

# M items, N images of them (others are refused), R pixels a side

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganforge.cache import unwritable
from ganforge.data.images import LoadContext
from ganforge.data.workplace import Workplace, discard, workplace
from ganforge.errors import DataError
from ganforge.files import write_bytes

#: Part of each key; counts up when the same options give other pixels.
VERSION = 2
#: Below this many images, starting processes costs more than it saves.
MIN_PARALLEL = 64
_CHUNK = 4


T = TypeVar("T")


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
    #: Number of an item without image -> the reason.
    refused: Mapping[int, str]
    folder: Path


def prepared_set(
    make: Callable[[Any], Made],
    items: Sequence[Any],
    judge: Callable[[Mapping[int, str]], None],
    decided_by: Sequence[Any],
    resolution: int,
    context: LoadContext,
    what: str = "preparing images",
) -> PreparedSet:
    """The images that `make` gives for `items`, in order, from the cache if they were made before.

    make: pure, importable by name (it is pickled to the worker processes) and independent of the order.
    judge: called with the number and reason of each item without image; raises DataError if that is too bad. Nothing is
    cached then.
    decided_by: all that decides the pixels besides the resolution, as JSON data: hashes of the files, options.
    """
    if not items:
        raise DataError("there are no images to prepare.")
    text = json.dumps([VERSION, resolution, list(decided_by)], sort_keys=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    folder = context.cache / "prepared" / key
    try:
        found = _found(folder, len(items), resolution, context)
        if found is None:
            with workplace(folder, (3, resolution, resolution)) as work:
                _make(work, make, items, judge, context, what)
            found = _open(folder, len(items), resolution)
    except OSError as error:  # files that can't be read are reasons in what `make` returns
        raise unwritable("prepared images", context.cache, error) from error
    judge(found.refused)
    return found


def made_by(make: Callable[[Any], T], items: Sequence[Any], workers: int) -> Iterator[T]:
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


def _found(folder: Path, num_items: int, resolution: int, context: LoadContext) -> PreparedSet | None:
    """The set, if it is there and whole; one that is damaged is removed, with a warning."""
    if not folder.exists():
        return None
    try:
        return _open(folder, num_items, resolution)
    # json and numpy raise ValueError, EOFError, RecursionError, ... for damaged files
    except Exception as error:
        context.warn(f"the prepared images in {folder} are damaged ({error}) and are made again.")
        discard(folder)
        return None


def _open(folder: Path, num_items: int, resolution: int) -> PreparedSet:
    index = json.loads((folder / "index.json").read_bytes())
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    shape = (3, resolution, resolution)
    if images.shape[1:] != shape or images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype} {images.shape[1:]}, not uint8 {shape}")
    sides = index["source_sides"]
    if not isinstance(sides, list) or not all(isinstance(side, int) for side in sides):
        raise ValueError("the index has no list of sides in pixels")
    refused = {int(number): str(reason) for number, reason in dict(index.get("refused", {})).items()}
    if len(sides) != len(images) or len(images) + len(refused) != num_items:
        raise ValueError("the index has another number of images")
    if _sha256(images) != index["sha256"]:
        raise ValueError("the pixels are not those that were written")
    return PreparedSet(images, tuple(sides), index["sha256"], refused, folder)


def _make(
    work: Workplace,
    make: Callable[[Any], Made],
    items: Sequence[Any],
    judge: Callable[[Mapping[int, str]], None],
    context: LoadContext,
    what: str,
) -> None:
    """Make what is not there yet; in order, so that a full disk is an error, where a memory map would crash."""
    rest = items[len(work) :]
    if len(work):
        what = f"{what} (from {len(work):,} on)"
    made: Iterable[Made] = context.progress(made_by(make, rest, context.workers), len(rest), what)
    for image in made:
        if image.pixels is not None:
            assert image.pixels.shape == (*work.shape[1:], 3) and image.pixels.dtype == np.uint8
            work.add(image.pixels.transpose(2, 0, 1).tobytes(), image.source_side, "")
        else:
            work.add(None, 0, image.reason)
    try:
        judge(work.refused)
    except DataError:
        discard(work.folder)
        raise
    work.close()
    index = {
        "version": VERSION,
        "source_sides": work.sides,
        "refused": {str(number): reason for number, reason in work.refused.items()},
        "sha256": work.digest.hexdigest(),
    }
    write_bytes(work.folder / "index.json", json.dumps(index).encode())


def _sha256(images: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256()
    for image in images:
        digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
