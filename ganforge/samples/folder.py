"""A folder that fills with generated images: which are whole, which are wanted still, and the table at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganforge.errors import UsageError
from ganforge.files import locked, read_json, sync_folder, write_json
from ganforge.hardware import suitable_threads
from ganforge.pictures import is_marked, is_whole_png, png_bytes
from ganforge.samples import TABLE, UNFINISHED
from ganforge.samples.request import Request

#: Within the folder of what is not finished.
REQUEST = "request.json"

State = Literal["new", "begun", "finished"]


class SampleFolder:
    """The images of a request in a folder, which the first of the processes that write them holds."""

    def __init__(self, path: Path, request: Request) -> None:
        self.path, self.request = path, request
        self.table = path / TABLE
        self._unfinished = path / UNFINISHED
        self._lock = ExitStack()

    def open(self, warn: Callable[[str], None]) -> State:
        """Make the folder, or find what is there; nobody else may write to it until `close`. On the first process.

        warn: told where the file system has no locks. Raises UsageError where the folder holds anything else, or is
        being written; OSError.
        """
        if self._is_finished():
            return "finished"
        if self.path.exists() and not self._may_be_filled():
            raise UsageError(
                f"{self.path} exists and is no empty folder{self._other_samples()}. Choose another with --out."
            )
        try:
            return self._take(warn)
        except FileNotFoundError:  # who held it has just finished
            if self._is_finished():
                return "finished"
            raise

    def open_again(self, warn: Callable[[str], None]) -> None:
        """As `open`, of a finished folder whose pictures are damaged: it has no table until they are whole."""
        self.table.unlink(missing_ok=True)
        self._take(warn)

    def _take(self, warn: Callable[[str], None]) -> State:
        self._unfinished.mkdir(parents=True, exist_ok=True)
        held = UsageError(f"{self.path} is being written by another process.")
        lockless = f"the disk of {self.path} has no locks: see to it that no second process writes there."
        self._lock.enter_context(locked(self._unfinished / "lock", held, lambda: warn(lockless)))
        if self._is_finished():  # by who held it until now
            self.close()
            return "finished"
        written, wanted = self._unfinished / REQUEST, self.request.description()
        state: State = "begun" if written.exists() else "new"
        if state == "new":
            write_json(written, wanted)
        elif read_json(written, UsageError) != wanted:
            raise UsageError(
                f"{self.path} holds part of other samples: another generator, seed, number of images or option. Choose "
                "another folder with --out."
            )
        for folder in self.request.folders:
            (self.path / folder).mkdir(exist_ok=True)
        return state

    def close(self) -> None:
        """Let others write to the folder."""
        self._lock.close()

    def is_whole(self, batch: int) -> bool:
        """Whether all pictures of a batch are whole; else none of them is there any more.

        Raises UsageError where a file that is none of ours is in the way.
        """
        if self.looks_whole(batch):
            return True
        paths = self._pictures(batch)
        for path in paths:
            # a kill may leave a file without content
            if path.is_file() and path.stat().st_size and not is_marked(path):
                raise UsageError(f"{path} is in the way, and was not written by ganforge. Move it elsewhere.")
        for path in paths:
            path.unlink(missing_ok=True)
        return False

    def looks_whole(self, batch: int) -> bool:
        """The same, and nothing is removed."""
        return all(is_whole_png(path) and is_marked(path) for path in self._pictures(batch))

    def _pictures(self, batch: int) -> list[Path]:
        return [self.path / self.request.file(i) for i in self.request.batch(batch)]

    def write(self, batch: int, images: NDArray[np.uint8]) -> None:
        """images: (n, 3, H, W), those of the batch, which are on the disk then.

        Raises OSError; FileExistsError rather than write over a file.
        """
        texts = self.request.origin.mark.texts()

        def write_one(path: Path, image: NDArray[np.uint8]) -> None:
            with path.open("xb") as file:
                file.write(png_bytes(np.ascontiguousarray(image.transpose(1, 2, 0)), texts))
                file.flush()
                os.fsync(file.fileno())

        pictures = self._pictures(batch)
        assert len(pictures) == len(images)
        with ThreadPoolExecutor(suitable_threads()) as pool:  # both zlib and the disk let other threads run
            list(pool.map(write_one, pictures, images))

    def finish(self) -> None:
        """Write the table, now that all pictures are there, and close. On the first process."""
        for folder in ("", *self.request.folders):
            sync_folder(self.path / folder)
        with (self._unfinished / TABLE).open("wb") as file:
            file.writelines(self.request.table())
            file.flush()
            os.fsync(file.fileno())
        (self._unfinished / TABLE).replace(self.table)
        sync_folder(self.path)
        self.close()
        self._tidy()

    def _may_be_filled(self) -> bool:
        if (self._unfinished / REQUEST).is_file():
            return not self.table.exists()
        return self.path.is_dir() and {entry.name for entry in self.path.iterdir()} <= {UNFINISHED}

    def _is_finished(self) -> bool:
        """Whether the table is there, and is that of the request."""
        if not self.table.is_file():
            return False
        with self.table.open("rb") as file:
            is_same = all(file.read(len(line)) == line for line in self.request.table()) and not file.read(1)
        if is_same:
            self._tidy()
        return is_same

    def _other_samples(self) -> str:
        """That the folder holds what another call wrote, where it does: one that looks like this one, but isn't."""
        if not self.table.is_file():
            return ""
        with self.table.open("rb") as file:
            if file.readline(1000) != next(iter(self.request.table())):
                return ""
        return (
            ": it holds the samples of another call, with another --first, --seed, number of images, option or "
            "generator, and none are added to them"
        )

    def _tidy(self) -> None:
        # a network disk may keep a file that was open a moment ago; the next call tries again
        shutil.rmtree(self._unfinished, ignore_errors=True)
