"""A folder in which a set is made, and from which a killed process's work is taken up.

`KEY.partial` beside the future `KEY` holds the images made so far, in order, and a journal with a line for each. A line
carries the hash of its image, so that what a power cut tore is found and made again. One process works in it at a time;
a second one, that makes the same set meanwhile, gets a folder of its own.
"""

# R pixels a side

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

_ABANDONED_AFTER_S = 7 * 24 * 3600
_PIXELS, _JOURNAL, _LOCK = "images.npy", "journal.jsonl", "lock"


@dataclass
class Workplace:
    """Images in the making: N at most, each of `shape` (3, R, R), of uint8."""

    folder: Path
    shape: tuple[int, int, int]
    _pixels: IO[bytes]
    _journal: IO[bytes]
    digest: hashlib._Hash
    #: Items done, as the journal has them: what a set's index says of each image, or the reason why there is none.
    sides: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Items done."""
        return len(self.sides) + len(self.refused)

    def add(self, pixels: bytes | None, side: int, reason: str) -> None:
        """The next item: its pixels, or None and a reason."""
        assert (pixels is None) == bool(reason)
        if pixels is not None:
            self._pixels.write(pixels)
            self._pixels.flush()  # ahead of the line that vouches for it
        self._journal.write(json.dumps([side, reason, _check(pixels, side, reason)]).encode() + b"\n")
        self._journal.flush()
        self._count(pixels, side, reason)

    def close(self) -> None:
        """Write the number of images in front of them, and force all to the disk."""
        self._pixels.seek(0)
        self._pixels.write(_header(len(self.sides), self.shape))
        self._pixels.flush()
        os.fsync(self._pixels.fileno())

    def _count(self, pixels: bytes | None, side: int, reason: str) -> None:
        if pixels is None:
            self.refused[len(self)] = reason
        else:
            self.digest.update(pixels)
            self.sides.append(side)

    def take_up(self) -> None:
        """Count what is there and whole, and cut off what is not."""
        start = len(_header(0, self.shape))
        self._pixels.seek(0)
        if self._pixels.read(start)[:6] != _header(0, self.shape)[:6]:
            self._journal.truncate(0)
            self._pixels.truncate(0)
            self._pixels.seek(0)
            self._pixels.write(_header(0, self.shape))
        size = int(np.prod(self.shape))
        kept = 0
        for text in self._journal:
            side, reason, check = _line(text) or (0, "", "")
            pixels = None if reason else self._pixels.read(size)
            if check != _check(pixels, side, reason):
                break
            self._count(pixels, side, reason)
            kept += len(text)
        for stream, end in ((self._journal, kept), (self._pixels, start + size * len(self.sides))):
            stream.seek(end)
            stream.truncate()


@contextmanager
def workplace(folder: Path, shape: tuple[int, int, int]) -> Iterator[Workplace]:
    """Where the set `folder` is made; it gets that name if the block ends well.

    If the block fails, what was done is kept for the next try; `discard` in the block takes it away.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    with _own_folder(folder) as (place, is_shared):
        try:
            for name in (_PIXELS, _JOURNAL):
                (place / name).touch()
            with (place / _PIXELS).open("r+b") as pixels, (place / _JOURNAL).open("r+b") as journal:
                work = Workplace(place, shape, pixels, journal, hashlib.sha256())
                work.take_up()
                yield work
            for name in (_JOURNAL, _LOCK):
                (place / name).unlink(missing_ok=True)
            try:
                place.rename(folder)
            except OSError:
                if not folder.exists():  # otherwise another process made the same set meanwhile
                    raise
                shutil.rmtree(place, ignore_errors=True)
        finally:
            if not is_shared:
                shutil.rmtree(place, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove a set, or one in the making, so that no other process sees half of it."""
    doomed = folder.with_name(f"{folder.name}.{os.getpid()}.{time.time_ns()}.partial")
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


@contextmanager
def _own_folder(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The shared folder, which outlives this process, if no other one works in it; else one for this process alone."""
    shared = folder.with_name(f"{folder.name}.partial")
    shared.mkdir(exist_ok=True)
    with (shared / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = os.path.samestat(os.fstat(lock.fileno()), (shared / _LOCK).stat())
        except OSError:  # another process holds it, or has just made the set of it
            is_ours = False
        if is_ours:
            yield shared, True
            return
    own = folder.with_name(f"{folder.name}.{os.getpid()}.{time.time_ns()}.partial")
    own.mkdir()
    yield own, False


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob("*.partial"):
        newest = max((file.stat().st_mtime for file in (folder, *folder.glob("*")) if file.exists()), default=0.0)
        if time.time() - newest > _ABANDONED_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)


def _line(text: bytes) -> tuple[int, str, str] | None:
    """A line of the journal; None for one that is half written or damaged."""
    try:
        side, reason, check = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return None
    is_line = text.endswith(b"\n") and type(side) is int and isinstance(reason, str) and isinstance(check, str)
    return (side, reason, check) if is_line else None


def _check(pixels: bytes | None, side: int, reason: str) -> str:
    return hashlib.sha256((pixels or b"") + json.dumps([side, reason]).encode()).hexdigest()[:16]


def _header(number: int, shape: tuple[int, int, int]) -> bytes:
    """What stands in front of the pixels of a .npy file: of the same length for any number of images."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (number, *shape)})
    return stream.getvalue()
