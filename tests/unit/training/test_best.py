"""The checkpoint with the best score is kept, and a resumed run knows which it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import recipe_data, stage
from pydantic import ValidationError
from trainings import StopAfter, Stopped, contents, trainer

from ganforge.evaluation.score import Score
from ganforge.networks.staged import Generator
from ganforge.recipe.models import EvaluationSpec
from ganforge.runs.checkpoint import load_best, load_newest

#: Score after each measured step; the best is that of step 4.
SCORES = {2: 3.0, 4: 1.0, 6: 2.0, 8: float("nan"), 10: 1.5}


def recipe(steps: int = 10) -> dict[str, Any]:
    data = recipe_data()
    data["stages"] = [stage("all", steps)]
    data["evaluation"] = {"evaluators": [{"kind": "stub_brightness"}], "best": {"by": "stub_brightness", "every": 2}}
    return data


def measured(scores: dict[int, float], *, lower_is_better: bool = True) -> Callable[[Generator], Score | None]:
    """Gives the scores in turn."""
    left = iter(scores.values())
    return lambda _: Score("stub", next(left), 2, 2, lower_is_better=lower_is_better)


def test_the_best_is_kept_besides_the_newest_two(tmp_path: Path) -> None:
    run = trainer(recipe(), tmp_path, measure=measured(SCORES)).run
    trainer(recipe(), tmp_path, measure=measured(SCORES)).fit()
    assert sorted(path.name for path in run.checkpoints.iterdir()) == [
        "step_00000004",
        "step_00000008",
        "step_00000010",
    ]
    assert load_best(run.checkpoints).step == 4


def test_where_more_is_better_the_largest_is_kept(tmp_path: Path) -> None:
    run = trainer(recipe(), tmp_path).run
    trainer(recipe(), tmp_path, measure=measured(SCORES, lower_is_better=False)).fit()
    assert load_best(run.checkpoints).step == 2


def test_the_scores_stand_in_the_metrics(tmp_path: Path) -> None:
    trainer(recipe(), tmp_path, measure=measured(SCORES)).fit()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    found = {row["step"]: (row["score"], row["score_name"]) for row in rows if "score" in row}
    assert found == {step: (score, "stub") for step, score in SCORES.items() if score == score}


@pytest.mark.parametrize("stop", [3, 5, 6, 9])
def test_a_resumed_run_ends_with_the_same_bytes(stop: int, tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    trainer(recipe(), whole, measure=measured(SCORES)).fit()
    with pytest.raises(Stopped):
        trainer(recipe(), part, StopAfter(stop), measured(SCORES)).fit()
    saved = (stop - 1) // 2 * 2
    resumed = trainer(recipe(), part, measure=measured({s: v for s, v in SCORES.items() if s > saved}))
    resumed.restore(load_newest(resumed.run.checkpoints)[0])
    resumed.fit()
    assert contents(part) == contents(whole)


def test_an_evaluator_that_fails_keeps_no_best(tmp_path: Path) -> None:
    run = trainer(recipe(2), tmp_path).run
    trainer(recipe(2), tmp_path, measure=lambda _: None).fit()
    assert load_newest(run.checkpoints)[0].best is None


def test_the_best_must_be_measured_by_an_evaluator_of_the_recipe() -> None:
    with pytest.raises(ValidationError, match="is 'kd', but must be the kind of one evaluator: none"):
        EvaluationSpec.model_validate({"best": {"by": "kd", "every": 2}})
