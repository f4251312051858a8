"""Trackio: its database on this machine, without a Space."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganforge.phantoms import PHANTOM
from ganforge.tracking.base import TrackedRun, Tracker, score_key

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score


class TrackioTracker(Tracker):
    """One run of trackio for one run of ganforge, by its name."""

    def __init__(self, run: TrackedRun, project: str) -> None:
        state = random.getstate()
        import trackio

        random.setstate(state)  # the import draws from it
        config = {name.replace("[", ".").replace("]", ""): value for name, value in run.values.items()}
        if run.is_phantom:
            config["phantom"] = PHANTOM
        self._trackio: Any = trackio
        with redirect_stdout(io.StringIO()):  # the command line is ganforge's
            self._run: Any = trackio.init(
                project=project, name=run.name, config=config, resume="allow", embed=False, auto_log_gpu=False
            )

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log({f"metrics/{name}": value for name, value in values.items()}, step=step)

    def samples(self, step: int, picture: NDArray[np.uint8]) -> None:
        self._run.log({"samples": self._trackio.Image(picture)}, step=step)

    def measured(self, step: int, score: Score) -> None:
        self._run.log({f"measured/{score_key(score)}": score.value}, step=step)

    def scores(self, step: int, scores: Sequence[Score]) -> None:
        self._run.log({f"scores/{score_key(score)}": score.value for score in scores}, step=step)

    def close(self, *, finished: bool) -> None:
        with redirect_stdout(io.StringIO()):
            self._trackio.finish()  # the run alone would be finished a second time, aloud, at exit
