"""Which checkpoint of a run is the best: by the score of the moving average, at the steps that the recipe names."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from ganforge.evaluation.score import Score
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.processes.group import Processes
from ganforge.processes.stop import RunStopped, Stops
from ganforge.recipe.models import BestSpec
from ganforge.runs.checkpoint import Best, Checkpoint
from ganforge.runs.rundir import RunDir

Measure = Callable[[Generator], Score | None]


class Selection:
    """The best score so far, and whether the newest step is still to be measured."""

    def __init__(
        self,
        spec: BestSpec | None,
        measure: Measure | None,
        run: RunDir,
        listener: Listener,
        stops: Stops,
        processes: Processes,
    ) -> None:
        """measure: is called on all processes; what it gives counts on the first one.

        Without it, or without a spec, no step is measured.
        """
        self._measure = measure
        #: Steps from one measurement to the next; None: there is none.
        self._every = None if spec is None or measure is None else spec.every
        self._run, self._listener, self._stops, self._processes = run, listener, stops, processes
        self.best: Best | None = None
        #: Whether the newest step is to be measured, and is not yet.
        self.is_unmeasured = False

    @property
    def is_wanted(self) -> bool:
        """Whether any step is to be measured."""
        return self._every is not None

    def reach(self, step: int, *, is_last: bool) -> None:
        """A step is done: the last one and every so many are to be measured."""
        self.is_unmeasured = self._every is not None and (step % self._every == 0 or is_last)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from what was known at the checkpoint."""
        self.best, self.is_unmeasured = checkpoint.best, checkpoint.is_unmeasured

    def score(self, average: Generator, row: dict[str, Any]) -> None:
        """Score the moving average; the step stays unmeasured where a signal breaks that off.

        row: step, images and stage, as in the metrics, to which the score is appended.
        """
        assert self._measure is not None
        try:
            with self._stops.at_once():
                score = self._measure(average)
        except RunStopped:
            return
        best = self._processes.from_first(lambda: self._best_now(row, score))
        self.best = None if best is None else Best(**best)
        self.is_unmeasured = False

    def _best_now(self, row: dict[str, Any], score: Score | None) -> dict[str, Any] | None:
        best, step = self.best, row["step"]
        if score is not None and not math.isfinite(score.value):
            self._listener.warning(f"step {step}: {score.name} is {score.value}, which can't be the best.")
        elif score is not None:
            self._run.append_metrics({**row, "score": score.value, "score_name": score.name})
            # the older of two that are equally good
            is_best = best is None or score.distance < replace(score, value=best.score).distance
            best = Best(step, score.value) if is_best else best
            self._listener.measured(step, score, is_best=is_best)
        return None if best is None else asdict(best)
