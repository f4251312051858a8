"""A folder in which a set is made, and from which a killed process's work is taken up.

`KEY.partial` beside the future `KEY` holds the images made so far, in order and in shards, and a journal with a line
for each. A line carries the hash of its image, so that what a power cut tore is found and made again. One process works
in it at a time; a second one, that makes the same set meanwhile, gets a folder of its own.
"""

# R pixels a side

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ganforge.data.shards import header, shard_name
from ganforge.files import sync_folder

_ABANDONED_AFTER_S = 7 * 24 * 3600
_JOURNAL, _LOCK = "journal.jsonl", "lock"


@dataclass
class Workplace:
    """Images in the making, each of `shape` (3, R, R), of uint8."""

    folder: Path
    shape: tuple[int, int, int]
    per_shard: int
    _journal: IO[bytes]
    #: The shard that is being filled.
    _shard: IO[bytes] | None = None
    #: Over the bytes of all images.
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    #: 32 bytes for each image.
    digests: bytearray = field(default_factory=bytearray)
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
            shard = self._open()
            shard.write(pixels)
            shard.flush()  # ahead of the line that vouches for it
        self._journal.write(json.dumps([side, reason, _check(pixels, side, reason)]).encode() + b"\n")
        self._journal.flush()
        self._count(pixels, side, reason)

    def close(self) -> None:
        """Finish the last shard, and force all to the disk."""
        if self._shard is not None:
            self._seal(self._shard)

    def leave(self) -> None:
        """Close the files, finished or not."""
        self._journal.close()
        if self._shard is not None:
            self._shard.close()

    def take_up(self) -> None:
        """Count what is there and whole, and cut off what is not."""
        kept = 0
        for text in self._journal:
            side, reason, check = _line(text) or (0, "", "")
            pixels = None if reason else self._open().read(math.prod(self.shape))
            if check != _check(pixels, side, reason):
                break
            self._count(pixels, side, reason)
            kept += len(text)
        self._journal.seek(kept)
        self._journal.truncate()
        if self._shard is not None and len(self.sides) % self.per_shard == 0:
            self._shard.close()
            self._shard = None
        elif self._shard is not None:
            self._shard.seek(self._place())
            self._shard.truncate()
        for file in self.folder.glob("images-*.npy"):
            if file.name >= shard_name(len(self.sides) // self.per_shard + (self._shard is not None)):
                file.unlink()

    def _open(self) -> IO[bytes]:
        """The shard of the next image, at its place if all before it were written or read."""
        if self._shard is None:
            path = self.folder / shard_name(len(self.sides) // self.per_shard)
            path.touch()
            self._shard = path.open("r+b")
            self._shard.seek(self._place())
        return self._shard

    def _place(self) -> int:
        """Where the next image begins in its shard."""
        return len(header(0, self.shape)) + len(self.sides) % self.per_shard * math.prod(self.shape)

    def _count(self, pixels: bytes | None, side: int, reason: str) -> None:
        if pixels is None:
            self.refused[len(self)] = reason
            return
        self.digest.update(pixels)
        self.digests += hashlib.sha256(pixels).digest()
        self.sides.append(side)
        if self._shard is not None and len(self.sides) % self.per_shard == 0:
            self._seal(self._shard)

    def _seal(self, shard: IO[bytes]) -> None:
        """Write the number of images in front of those of the current shard, and force it to the disk."""
        num_images = (len(self.sides) - 1) % self.per_shard + 1
        shard.truncate(len(header(0, self.shape)) + num_images * math.prod(self.shape))
        shard.seek(0)
        shard.write(header(num_images, self.shape))
        shard.flush()
        os.fsync(shard.fileno())
        shard.close()
        self._shard = None


@contextmanager
def workplace(folder: Path, shape: tuple[int, int, int], per_shard: int) -> Iterator[Workplace]:
    """Where the set `folder` is made; it gets that name if the block ends well.

    If the block fails, what was done is kept for the next try; `discard` in the block takes it away.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    with _own_folder(folder) as (place, is_shared):
        try:
            (place / _JOURNAL).touch()
            work = Workplace(place, shape, per_shard, (place / _JOURNAL).open("r+b"))
            try:
                work.take_up()
                yield work
            finally:
                work.leave()
            sync_folder(place)
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
    with suppress(FileNotFoundError):  # another process found the same
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
