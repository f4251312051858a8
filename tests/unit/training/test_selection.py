"""Which checkpoint is the best, and which step is still to be measured."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from ganforge.evaluation.score import Score
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.processes.group import ALONE
from ganforge.processes.stop import RunStopped, Stops
from ganforge.recipe.models import BestSpec
from ganforge.runs.checkpoint import Best, Checkpoint
from ganforge.runs.rundir import RunDir
from ganforge.training.selection import Selection

AVERAGE = cast(Generator, None)
INF, NAN = math.inf, math.nan


class Told(Listener):
    def __init__(self) -> None:
        self.best: list[int] = []
        self.warnings: list[str] = []

    def measured(self, step: int, score: Score, *, is_best: bool) -> None:
        self.best += [step] if is_best else []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def selection(
    folder: Path,
    measure: Callable[[Generator], Score | None] | None = lambda _: None,
    every: int | None = 2,
    told: Listener | None = None,
) -> Selection:
    spec = None if every is None else BestSpec(by="stub", every=every)
    return Selection(spec, measure, RunDir(folder), told or Listener(), Stops(), ALONE)


def row(step: int) -> dict[str, Any]:
    return {"step": step, "images": 8 * step, "stage": "all"}


@pytest.mark.parametrize(
    ("values", "kind", "best"),
    [
        ([3.0, 1.0, 2.0], {}, [1, 2]),
        ([3.0, 1.0, 2.0], {"lower_is_better": False}, [1]),
        ([3.0, 1.0, 2.0], {"target": 2.1}, [1, 3]),
        ([1.0, 1.0, 0.5, 0.5], {}, [1, 3]),
        ([NAN, 4.0, INF, NAN, 3.0], {}, [2, 5]),
        ([None, None, 7.0, None], {}, [3]),
        ([NAN, None], {}, []),
    ],
)
def test_the_best_is_the_first_of_those_with_the_best_finite_score(
    values: Sequence[float | None], kind: dict[str, Any], best: list[int], tmp_path: Path
) -> None:
    scores = iter(None if value is None else Score("stub", value, 2, 2, **kind) for value in values)
    told = Told()
    chosen = selection(tmp_path, lambda _: next(scores), told=told)
    for step in range(1, len(values) + 1):
        chosen.score(AVERAGE, row(step))
    assert told.best == best
    assert chosen.best == (Best(best[-1], cast(float, values[best[-1] - 1])) if best else None)
    finite = {step: value for step, value in enumerate(values, 1) if value is not None and math.isfinite(value)}
    path = tmp_path / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    assert rows == [{**row(step), "score": value, "score_name": "stub"} for step, value in finite.items()]
    assert len(told.warnings) == sum(value is not None for value in values) - len(finite)


@pytest.mark.parametrize(
    ("every", "has_measure", "due"), [(2, True, [2, 4, 5]), (3, True, [3, 5]), (2, False, []), (None, True, [])]
)
def test_every_so_many_steps_and_the_last_are_to_be_measured(
    every: int | None, has_measure: bool, due: list[int], tmp_path: Path
) -> None:
    chosen = selection(tmp_path, (lambda _: None) if has_measure else None, every)
    found = []
    for step in range(1, 6):
        chosen.reach(step, is_last=step == 5)
        found += [step] if chosen.is_unmeasured else []
    assert found == due
    assert chosen.is_wanted == bool(due)


def test_a_step_whose_measurement_is_broken_off_stays_unmeasured(tmp_path: Path) -> None:
    def broken_off(_: Generator) -> Score:
        raise RunStopped("SIGTERM", 143)

    chosen = selection(tmp_path, broken_off)
    chosen.best = Best(2, 1.0)
    chosen.reach(4, is_last=False)
    chosen.score(AVERAGE, row(4))
    assert chosen.is_unmeasured
    assert chosen.best == Best(2, 1.0)
    assert not (tmp_path / "metrics.jsonl").exists()


@pytest.mark.parametrize("is_unmeasured", [True, False])
def test_a_checkpoint_says_where_to_go_on(is_unmeasured: bool, tmp_path: Path) -> None:
    chosen = selection(tmp_path)
    chosen.restore(Checkpoint(4, "hash", {}, Best(2, 1.0), {}, is_unmeasured))
    assert (chosen.best, chosen.is_unmeasured) == (Best(2, 1.0), is_unmeasured)


def test_a_measured_step_is_measured(tmp_path: Path) -> None:
    chosen = selection(tmp_path)
    chosen.reach(2, is_last=False)
    chosen.score(AVERAGE, row(2))
    assert not chosen.is_unmeasured
