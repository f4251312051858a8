"""The folder of a run: what it was asked, what it did, what came out."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganforge.errors import CheckpointError, UsageError, did_you_mean
from ganforge.files import is_file, locked, read_json, retried, write_bytes, write_json

#: What a run has written before its training begins, and what nobody misses of a run that never began.
_BEFORE = frozenset(
    {".lock", "recipe.yaml", "run.json", "environment.json", "freeze.json", "data.json", "source.json", "load.json"}
)
#: What `write_bytes` calls a file of a run that it has not finished.
_UNFINISHED = re.compile(r"\..+\.(csv|html|json|jsonl|md|png|svg|yaml)\.[a-z0-9_]{8}")
_NUMBERED = re.compile(r"(\d{5})-")
#: Runs that an error names, the newest.
_SHOWN = 5


@dataclass(frozen=True)
class RunDir:
    """A folder `00012-name` with

    recipe.yaml (resolved), run.json (state), environment.json, freeze.json, load.json and source.json where
    weights were loaded, quarantine.csv where images were left out, metrics.jsonl, samples/, checkpoints/ and, at the
    end, scores.json.
    """

    path: Path

    @classmethod
    def create(cls, parent: Path, name: str) -> RunDir:
        """A new folder with the next free number. Raises UsageError where it can't be made."""
        try:
            parent.mkdir(parents=True, exist_ok=True)
            number = _next_number(parent)
            while True:  # another run may take the number first
                path = parent / _folder_name(number, name)
                try:
                    path.mkdir()
                except FileExistsError:
                    number += 1
                    continue
                return cls(path)
        except OSError as error:
            raise UsageError(
                f"can't make a run folder in {parent}: {error}. Choose another with output.folder=DIR."
            ) from error

    @classmethod
    def open(cls, path: Path) -> RunDir:
        """An existing run. Raises CheckpointError if the folder is none."""
        expect_there(path)
        if not is_run(path):
            raise CheckpointError(f"{path} is no folder of a run: it holds no run.json and recipe.yaml.")
        return cls(path)

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def quarantine(self) -> Path:
        """Images that were left out. It names files: it stays on this machine."""
        return self.path / "quarantine.csv"

    @property
    def recipe(self) -> Path:
        return self.path / "recipe.yaml"

    @contextmanager
    def locked(self, warn: Callable[[str], None]) -> Iterator[None]:
        """Keep other processes from writing to the run; ends with the process, however that ends.

        warn: told where the file system has no locks. Raises CheckpointError while another process holds it.
        """
        held = CheckpointError(f"{self.path} is being written by another process.")
        lockless = f"the disk of {self.path} has no locks: see to it that no second process continues this run."
        with locked(self.path / ".lock", held, lambda: warn(lockless)):
            yield

    def remove_unused(self) -> bool:
        """Remove a run that ended before it trained, unless its folder holds more than every run begins with.

        Its number is then free. Another process may have found the run, and hold it: then it stays.
        """
        try:
            if not self._holds_nothing(self.path):
                return False
            with self.locked(lambda warning: None):
                return self._remove_unused()
        except (CheckpointError, OSError):
            return False

    def _remove_unused(self) -> bool:
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.rename(aside)  # so that nobody finds half of it, or adds to it
            if self._holds_nothing(aside):
                shutil.rmtree(aside)
                return True
            aside.rename(self.path)
        except OSError:
            if aside.exists() and not self.path.exists():
                with suppress(OSError):
                    aside.rename(self.path)
        return False

    @staticmethod
    def _holds_nothing(path: Path) -> bool:
        return {entry.name for entry in path.iterdir()} <= _BEFORE

    def sweep(self) -> None:
        """Remove what killed processes left half written. To be called by the process that has locked the run."""
        for path in self.path.rglob(".*"):
            if _UNFINISHED.fullmatch(path.name) and path.is_file():
                path.unlink()

    def read_metrics(self) -> list[dict[str, Any]]:
        """The whole rows of metrics.jsonl; none where there is none. Raises CheckpointError where it is no file."""
        path = self._metrics()
        return [row for _, row in _rows(path.read_bytes())] if path.exists() else []

    def sync_metrics(self) -> None:
        """Force the rows to the disk, so that no checkpoint is there without those before it."""
        with self._own_metrics().open("ab") as file:
            os.fsync(file.fileno())

    def _metrics(self) -> Path:
        """metrics.jsonl, which may not be there yet. Raises CheckpointError where something else has its name."""
        path = self.path / "metrics.jsonl"
        if path.exists() and not is_file(path):
            raise CheckpointError(f"{path} is no file: move it away. Rows before the checkpoint are then missing.")
        return path

    def _own_metrics(self) -> Path:
        """The same; not a link, which in a folder from elsewhere may lead to any file. Raises CheckpointError."""
        path = self._metrics()
        if path.is_symlink():
            raise CheckpointError(f"{path} is a link; a run writes to files of its own.")
        return path

    def write_state(self, **changes: Any) -> None:
        """Update run.json."""
        path = self.path / "run.json"
        state = read_json(path, CheckpointError) if path.exists() else {}
        write_json(path, {**state, **changes})

    def read_state(self) -> dict[str, Any]:
        state = read_json(self.path / "run.json", CheckpointError)
        classes = state.get("classes") if isinstance(state, dict) else None
        if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
            raise CheckpointError(f"{self.path / 'run.json'} is damaged: it doesn't name the classes of the run.")
        return state

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add one line to metrics.jsonl, with null for a number that is not finite."""
        path = self._own_metrics()
        whole = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()
        }
        line = json.dumps(whole, allow_nan=False) + "\n"
        size = path.stat().st_size if path.exists() else 0

        def write() -> None:
            with path.open("ab") as file:
                file.truncate(size)  # what a try before left half written
                file.write(line.encode())

        retried(write)

    def truncate_metrics(self, step: int, *, is_unmeasured: bool = False) -> None:
        """Drop the rows after `step`, and a half-written last one, so that a resumed run writes none twice.

        is_unmeasured: also the score of this step, which is to be taken again.
        """
        path = self._metrics()
        if not path.exists():
            return
        last = step - 1 if is_unmeasured else step
        rows = _rows(path.read_bytes())
        write_bytes(path, b"".join(line for line, row in rows if row["step"] <= (last if "score" in row else step)))


def _rows(content: bytes) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each line that holds a whole row, as it stands and read."""
    for line in content.splitlines(keepends=True):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict) and isinstance(row.get("step"), int) and line.endswith(b"\n"):
            yield line, row


def is_run(path: Path) -> bool:
    """Whether the folder is that of a run."""
    return is_file(path / "run.json") and is_file(path / "recipe.yaml")


def next_run(parent: Path, name: str) -> Path:
    """The folder that `RunDir.create` would make now; nothing is made. Raises OSError where `parent` can't be read."""
    number = _next_number(parent) if os.path.lexists(parent) else 0
    return parent / _folder_name(number, name)


def expect_there(path: Path) -> None:
    """Raise CheckpointError where there is nothing at `path`, with the run beside it that may be meant, and others."""
    if os.path.lexists(path):
        return
    runs = _runs_in(path.parent)
    begun = [name for name in runs if name.startswith(f"{path.name}-")]  # the number alone was given
    meant = f" Did you mean '{begun[0]}'?" if begun else did_you_mean(path.name, runs)
    more = f" and {len(runs) - _SHOWN:,} more" if len(runs) > _SHOWN else ""
    others = f" Runs in {path.parent}: {', '.join(runs[-_SHOWN:])}{more}." if runs else ""
    raise CheckpointError(f"there is no {path}.{meant}{others}")


def _runs_in(parent: Path) -> list[str]:
    """Names of the runs in a folder, by their numbers; nothing where it can't be read."""
    try:
        return sorted(entry.name for entry in parent.iterdir() if is_run(entry))
    except OSError:
        return []


def _next_number(parent: Path) -> int:
    numbers = [int(found[1]) for entry in parent.iterdir() if (found := _NUMBERED.match(entry.name))]
    return max(numbers, default=-1) + 1


def _folder_name(number: int, name: str) -> str:
    return f"{number:05d}-{name}"
