"""The page of a run that may be going on: made again when its files have changed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

from ganforge.errors import GanforgeError
from ganforge.registry import Components
from ganforge.report.folder import at
from ganforge.report.generate import draw_from
from ganforge.report.rendering import render
from ganforge.report.report import Drawn, gather
from ganforge.runs.rundir import RunDir


class LivePage:
    """The page as it was when somebody last asked, and a version that changes with the run's files."""

    def __init__(self, folder: Path, components: Components, panel: Path | None = None) -> None:
        """Makes the page once. Raises GanforgeError as `gather` does."""
        self.run = RunDir(folder)
        self.components = components
        self.panel = panel
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._drawn = Drawn()
        self._drawn_of = ""
        self._version = ""
        self._html = ""
        self._make(self.version())

    def state(self) -> dict[str, str]:
        """What the page asks for now and then: the version that it would get, and whether the run goes on."""
        try:
            state = at(self.run.read_state(), "state", kind=str)
        except GanforgeError:
            state = None
        return {"version": self.version(), "state": state or "unknown"}

    def html(self) -> str:
        """The page of the newest version; the one before where the run can't be read."""
        with self._lock:
            version = self.version()
            if version != self._version:
                with suppress(GanforgeError, OSError):
                    self._make(version)
            return self._html

    def version(self) -> str:
        """A digest of names, sizes and times of the files that the page is made of."""
        return _digest(self._files())

    def wait(self) -> None:
        """Return only when `end` was called, or raise KeyboardInterrupt."""
        while not self._ended.wait(timeout=0.5):
            """A wait without a limit could not be interrupted on every system."""

    def end(self) -> None:
        self._ended.set()

    def _make(self, version: str) -> None:
        checkpoints = _digest(self.run.checkpoints.glob("step_*/manifest.json"))
        if checkpoints != self._drawn_of:
            self._drawn, self._drawn_of = draw_from(self.run.path, self.components, torch.device("cpu")), checkpoints
        self._html, self._version = render(gather(self.run.path, self._drawn, self.panel), version), version

    def _files(self) -> Iterator[Path]:
        yield from self.run.path.glob("*.json*")
        yield from self.run.path.glob("recipe.yaml")
        yield from self.run.samples.glob("step_*.png")
        yield from self.run.checkpoints.glob("step_*/manifest.json")


def _digest(files: Iterator[Path]) -> str:
    found = []
    for file in files:
        with suppress(OSError):  # it was replaced or removed meanwhile
            state = file.stat()
            found.append(f"{file} {state.st_size} {state.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(found)).encode(errors="surrogateescape")).hexdigest()[:16]
