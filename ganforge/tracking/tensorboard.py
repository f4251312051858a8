"""TensorBoard: files of events in the folder of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganforge.phantoms import PHANTOM
from ganforge.tracking.base import TrackedRun, Tracker, score_key

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score


class TensorBoardTracker(Tracker):
    """Writes events, flushed after each call."""

    def __init__(self, run: TrackedRun) -> None:
        from torch.utils.tensorboard import SummaryWriter

        is_new = not run.folder.is_dir()
        self._writer: Any = SummaryWriter(str(run.folder))
        if is_new:
            rows = "\n".join(f"| {name} | {value} |" for name, value in run.values.items())
            self._writer.add_text("recipe", f"| key | value |\n|---|---|\n{rows}", 0)
            self._writer.add_text("classes", ", ".join(run.classes), 0)
            if run.is_phantom:
                self._writer.add_text("PHANTOM", PHANTOM, 0)
        self._writer.flush()

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"metrics/{name}", value, step)
        self._writer.flush()

    def samples(self, step: int, picture: NDArray[np.uint8]) -> None:
        self._writer.add_image("samples", picture, step, dataformats="HWC")
        self._writer.flush()

    def measured(self, step: int, score: Score) -> None:
        self._writer.add_scalar(f"measured/{score_key(score)}", score.value, step)
        self._writer.flush()

    def scores(self, step: int, scores: Sequence[Score]) -> None:
        for score in scores:
            self._writer.add_scalar(f"scores/{score_key(score)}", score.value, step)
        self._writer.add_text("scores", "\n".join(f"- {score}" for score in scores), step)
        self._writer.flush()

    def close(self, *, finished: bool) -> None:
        self._writer.close()
