"""The cache of prepared images: made once, in parallel, then opened by all as memory-mapped shards.

A prepared set is a folder `prepared/KEY` in the cache with shards of pixels (`ganforge.data.shards`) and `index.json`,
which has the sha256 of each image and one of itself. KEY is a hash of everything that decides the pixels, so a set
never goes stale. It is written under another name and renamed when it is whole: whatever stops the work leaves nothing
that could be taken for a set, and the next try goes on from there (see `ganforge.data.workplace`).

To open a set reads its index and the sizes of its shards; each image is verified when a process first reads it.
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
from ganforge.data.shards import OtherPixelsError, Shards, images_per_shard
from ganforge.data.workplace import Workplace, discard, workplace
from ganforge.errors import DataError
from ganforge.files import retried, write_bytes

#: Part of each key; counts up when the same options give other pixels, or the files of a set have another form.
VERSION = 4
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
    """images: uint8 (N, 3, R, R), memory-mapped; sha256 is over their bytes."""

    images: Shards
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
    opening = Opening(folder, make, items, resolution, context)
    try:
        found = _found(opening)
        if found is None:
            with workplace(folder, opening.shape, images_per_shard(len(items), opening.shape)) as work:
                _make(work, make, items, judge, context, what)
            found = opening.read()
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


def _found(opening: Opening) -> PreparedSet | None:
    """The set, if it is there, with shards that are missing made again; one that can't be mended is removed."""
    if not opening.folder.exists():
        return None
    try:
        found = retried(opening.read)
    except FileNotFoundError:
        reason = "it has no index"
    except (OSError, MemoryError):  # of the disk or the process, and not of the set
        raise
    # json and numpy raise ValueError, RecursionError, ... for damaged files
    except Exception as error:
        reason = str(error)
    else:
        try:
            found.images.mend()
            return found
        except OtherPixelsError:
            reason = "what is made again has other pixels than it had"
    opening.context.warn(f"the prepared images in {opening.folder} are damaged ({reason}) and are all made again.")
    discard(opening.folder)
    return None


@dataclass(frozen=True)
class Opening:
    """A set in its folder, and what it was made of."""

    folder: Path
    make: Callable[[Any], Made]
    items: Sequence[Any]
    resolution: int
    context: LoadContext

    @property
    def shape(self) -> tuple[int, int, int]:
        return (3, self.resolution, self.resolution)

    def read(self) -> PreparedSet:
        """The set. Raises ValueError, KeyError, ... where the index is damaged or missing."""
        index = json.loads((self.folder / "index.json").read_bytes())
        check = index.pop("check")
        if check != _check(index):
            raise ValueError("the index is not what was written")
        refused = {int(number): str(reason) for number, reason in index["refused"].items()}
        kept = [number for number in range(len(self.items)) if number not in refused]
        digests = np.frombuffer(bytes.fromhex(index["digests"]), np.uint8).reshape(-1, 32)
        if not len(kept) == len(digests) == len(index["source_sides"]):
            raise ValueError("the index has another number of images")

        def make_again(rows: Sequence[int]) -> Iterator[NDArray[np.uint8] | str]:
            made = made_by(self.make, [self.items[kept[row]] for row in rows], self.context.workers)
            for image in self.context.progress(made, len(rows), "making images again"):
                yield image.reason if image.pixels is None else _channels_first(image.pixels)

        shards = Shards(self.folder, self.shape, index["per_shard"], digests, make_again, self.context.warn)
        return PreparedSet(shards, tuple(index["source_sides"]), index["sha256"], refused, self.folder)


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
            work.add(_channels_first(image.pixels).tobytes(), image.source_side, "")
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
        "per_shard": work.per_shard,
        "source_sides": work.sides,
        "refused": {str(number): reason for number, reason in work.refused.items()},
        "digests": work.digests.hex(),
        "sha256": work.digest.hexdigest(),
    }
    write_bytes(work.folder / "index.json", json.dumps({**index, "check": _check(index)}).encode())


def _check(index: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(index, sort_keys=True).encode()).hexdigest()


def _channels_first(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
