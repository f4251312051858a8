"""Passes on to trackers what a listener is told, each thing once, and never lets one of them harm the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ganforge.errors import CheckpointError
from ganforge.files import read_json, write_json
from ganforge.listener import Listener
from ganforge.naming import by_name
from ganforge.plan.plan import Plan
from ganforge.recipe.public import public_values
from ganforge.runs.rundir import RunDir
from ganforge.tracking.base import TrackedRun, Tracker

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score
    from ganforge.interfaces import TrackerSpec

#: In the run's folder: tracker -> what it is told -> the last step of which it was.
RECORD = "trackers.json"
FOLDER = "trackers"


@contextmanager
def tracked(plan: Plan, run: RunDir, listener: Listener) -> Iterator[Listener]:
    """The listener, with the recipe's trackers beside it; they are closed at the end."""
    specs = plan.recipe.output.trackers
    if not specs:
        yield listener
        return
    both = _Tracked(plan, run, listener)
    try:
        yield both
    finally:
        both.close()


class _Tracked(Listener):
    """Tells the listener everything, and the trackers what they are for.

    A tracker is built when the training begins, since only then the step is known.
    """

    def __init__(self, plan: Plan, run: RunDir, listener: Listener) -> None:
        self._plan, self._run, self._listener = plan, run, listener
        self._trackers: dict[str, Tracker] = {}
        self._told: dict[str, dict[str, int]] = _read(run.path / RECORD)
        self._is_built = self._is_finished = False
        self._step = 0
        for name in vars(Listener):
            if not name.startswith("_") and name not in vars(type(self)):
                setattr(self, name, getattr(listener, name))

    def resumed(self, step: int) -> None:
        self._listener.resumed(step)
        self._step = step

    def metrics(self, row: Mapping[str, Any]) -> None:
        self._listener.metrics(row)
        values = {name: float(value) for name, value in row.items() if name not in ("step", "stage")}
        self._tell("metrics", int(row["step"]), lambda tracker, step: tracker.metrics(step, dict(values)))

    def wrote(self, what: str, path: Path) -> None:
        self._listener.wrote(what, path)
        if what == "samples":
            step = int(path.stem.removeprefix("step_"))
            self._tell("samples", step, lambda tracker, step: tracker.samples(step, _picture(path)))

    def measured(self, step: int, score: Score, *, is_best: bool) -> None:
        self._listener.measured(step, score, is_best=is_best)
        self._tell("measured", step, lambda tracker, step: tracker.measured(step, score))

    def scores(self, scores: Sequence[Score]) -> None:
        self._listener.scores(scores)
        end = sum(stage.steps for stage in self._plan.recipe.stages)
        self._tell("scores", end, lambda tracker, step: tracker.scores(step, list(scores)))

    def finished(self, folder: Path, seconds: float) -> None:
        self._listener.finished(folder, seconds)
        self._is_finished = True

    def close(self) -> None:
        for name, tracker in list(self._trackers.items()):
            self._guarded(name, partial(tracker.close, finished=self._is_finished))

    def _tell(self, what: str, step: int, tell: Callable[[Tracker, int], None]) -> None:
        if not self._is_built:
            self._build()
        for name, tracker in list(self._trackers.items()):
            told = self._told.setdefault(name, {})
            if step <= told.get(what, -1):
                continue
            # noted first: a kill in between loses a row there, and never writes one twice
            told[what] = step
            write_json(self._run.path / RECORD, self._told)
            self._guarded(name, partial(tell, tracker, step))

    def _build(self) -> None:
        self._is_built = True
        for name, spec in by_name(self._plan.recipe.output.trackers).items():
            self._guarded(name, partial(self._add, name, spec))

    def _add(self, name: str, spec: TrackerSpec) -> None:
        recipe = self._plan.recipe
        self._trackers[name] = spec.build(
            TrackedRun(
                name=self._run.path.resolve().name,
                folder=self._run.path.resolve() / FOLDER / name,
                values=public_values(recipe),
                classes=self._plan.classes,
                is_phantom=recipe.data.is_phantom,
                step=self._step,
                num_steps=sum(stage.steps for stage in recipe.stages),
            )
        )

    def _guarded(self, name: str, call: Callable[[], None]) -> None:
        """Whatever a third party's code raises switches it off; a request to stop the run goes through."""
        try:
            call()
        except (Exception, SystemExit) as error:
            self._trackers.pop(name, None)
            self._listener.warning(
                f"tracker '{name}' is switched off, and the run goes on: {type(error).__name__}: {error}"
            )


def _picture(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.array(picture.convert("RGB"))


def _read(path: Path) -> dict[str, dict[str, int]]:
    """What was told before the run was stopped; nothing where that can't be read, as after a full disk."""
    try:
        record = read_json(path, CheckpointError) if path.exists() else {}
        return {str(name): {str(what): int(step) for what, step in told.items()} for name, told in record.items()}
    except (CheckpointError, AttributeError, TypeError, ValueError):
        return {}
