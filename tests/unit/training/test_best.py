"""The checkpoint with the best score is kept, and a resumed run knows which it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import planned, recipe_data, stage
from trainings import StopAfter, Stopped, contents, trainer

from ganforge.errors import RecipeError
from ganforge.evaluation.score import Score
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
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
    assert load_best(run.checkpoints)[0].step == 4


def test_where_more_is_better_the_largest_is_kept(tmp_path: Path) -> None:
    run = trainer(recipe(), tmp_path).run
    trainer(recipe(), tmp_path, measure=measured(SCORES, lower_is_better=False)).fit()
    assert load_best(run.checkpoints)[0].step == 2


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


class Warnings(Listener):
    def __init__(self) -> None:
        self.found: list[str] = []

    def warning(self, text: str) -> None:
        self.found.append(text)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (None, []),  # the evaluator's failure was told by who called it
        (Score("stub", float("nan"), 2, 2), ["step 2: stub is nan, which can't be the best."]),
    ],
)
def test_without_a_score_none_is_the_best_and_that_is_said(
    score: Score | None, said: list[str], tmp_path: Path
) -> None:
    listener = Warnings()
    training = trainer(recipe(2), tmp_path, listener, lambda _: score)
    training.fit()
    assert load_newest(training.run.checkpoints)[0].best is None
    assert listener.found == [*said, "no checkpoint was measured, so none is the best; the newest is taken."]


def test_an_override_that_a_value_of_the_file_does_not_fit_is_named(tiny_recipe: Path, components: Components) -> None:
    best = "evaluation={evaluators: [{kind: kd}], best: {by: kd, every: 126}}"
    with pytest.raises(RecipeError) as caught:
        plan_recipe(load_recipe(tiny_recipe, [best, "output.checkpoints_every=10"], components))
    assert str(caught.value).startswith(
        "evaluation.best.every: is 126, but checkpoints are written every 10 steps; make it a multiple of that. "
        "output.checkpoints_every is set by the override 'output.checkpoints_every=10'. Set by the override '"
    )
    written = tiny_recipe.read_text() + "evaluation: {evaluators: [{kind: kd}], best: {by: kd, every: 2}}\n"
    tiny_recipe.write_text(written)
    with pytest.raises(RecipeError, match=r"evaluation\.best: null`\. evaluation\.evaluators is set by the override"):
        plan_recipe(load_recipe(tiny_recipe, ["evaluation.evaluators=[{kind: prdc}]"], components))
    tiny_recipe.write_text(written.replace("every: 2}}", "every: 3}}"))
    with pytest.raises(RecipeError) as caught:
        plan_recipe(load_recipe(tiny_recipe, [], components))
    assert str(caught.value).endswith("make it a multiple of that. output.checkpoints_every is set by line 58.")


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (
            {"by": "kd"},
            ("evaluation", "best", "by"),
            "'kd' is no evaluator of this recipe; `evaluation.evaluators` has",
        ),
        ({"every": 3}, ("evaluation", "best", "every"), "is 3, but checkpoints are written every 2 steps"),
    ],
)
def test_what_can_not_be_measured_or_kept_is_refused(
    change: dict[str, Any], place: tuple[str, ...], message: str
) -> None:
    data = recipe()
    data["evaluation"]["best"] |= change
    with pytest.raises(RecipeError) as caught:
        planned(data)
    (problem,) = caught.value.problems
    assert problem.path == place
    assert problem.message.startswith(message)


def test_two_evaluators_of_the_kind_that_decides_are_refused() -> None:
    data = recipe()
    data["evaluation"]["evaluators"] *= 2
    with pytest.raises(RecipeError, match="there are 2 evaluators 'stub_brightness'"):
        planned(data)
