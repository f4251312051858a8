"""Somebody who is told how a run goes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import TrackerSpec
from ganforge.tracking.base import Tracker

if TYPE_CHECKING:
    from ganforge.tracking.base import TrackedRun


class Table(TrackerSpec):
    """Writes the losses into a table in the run's folder, for a spreadsheet."""

    kind: Literal["mylab_table"] = "mylab_table"

    def build(self, run: TrackedRun) -> Tracker:
        """The tracker. Its folder is there again when the run is resumed."""
        run.folder.mkdir(parents=True, exist_ok=True)
        return _Table(run.folder / "metrics.csv")


class _Table(Tracker):
    def __init__(self, path: Path) -> None:
        self.path = path

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """One row for each value, added to those that are there."""
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows((step, name, value) for name, value in values.items())
