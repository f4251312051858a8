"""Trackers of the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.errors import expect_packages
from ganforge.interfaces import TrackerSpec

if TYPE_CHECKING:
    from ganforge.tracking.base import TrackedRun, Tracker


class TensorBoard(TrackerSpec):
    """Curves, sample grids and scores for TensorBoard, in the run's folder `trackers/tensorboard`."""

    kind: Literal["tensorboard"] = "tensorboard"

    def preflight(self) -> None:
        expect_packages("tracker 'tensorboard'", "ganforge[tensorboard]", "tensorboard")

    def build(self, run: TrackedRun) -> Tracker:
        from ganforge.tracking.tensorboard import TensorBoardTracker

        return TensorBoardTracker(run)


TRACKERS: list[type[TrackerSpec]] = [TensorBoard]
