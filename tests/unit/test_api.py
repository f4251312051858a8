"""The verbs in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import components
from runs import STUB, recipe_file

import ganforge
from ganforge.api import override_texts
from ganforge.errors import RecipeError, UsageError
from ganforge.recipe.load import load_recipe


def test_a_run_from_python_trains_loads_and_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = recipe_file(tmp_path)
    run = ganforge.run(recipe, {"stages[0].steps": 2, "name": "mine"}, device="cpu", plugins=[STUB])
    assert run == tmp_path / "runs" / "00000-mine"
    assert "PHANTOM" in capsys.readouterr().out
    assert ganforge.resume(run, listener=ganforge.Listener(), plugins=[STUB]) == run
    (score,) = ganforge.score(run, listener=ganforge.Listener(), plugins=[STUB])
    assert score.name == "brightness"
    assert ganforge.load(run, plugins=[STUB])("across").shape == (1, 8, 8, 3)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8, "8"), (1e-5, "1e-05"), (True, "true"), (None, "null"), ("auto", '"auto"'), ("été 😀", '"été 😀"'),
        (Path("/data/x y"), '"/data/x y"'), ({"kind": "ada"}, '{"kind": "ada"}'), ([1, "a"], '[1, "a"]'),
        (np.float64(0.5), "0.5"), (np.arange(2), "[0, 1]"),
    ],
)  # fmt: skip
def test_values_are_written_as_a_recipe_has_them(value: Any, text: str) -> None:
    assert override_texts({"a.b": value}) == [f"a.b={text}"]


@pytest.mark.parametrize("name", ["plain", "2024", "true", "été", "a-b.c"])
def test_a_text_stays_a_text_in_the_recipe(name: str, tmp_path: Path) -> None:
    overrides = override_texts({"description": name, "output.folder": tmp_path / "a b", "seed": 3})
    recipe = load_recipe(recipe_file(tmp_path), overrides, components()).recipe
    assert (recipe.description, recipe.output.folder, recipe.seed) == (name, tmp_path / "a b", 3)


@pytest.mark.parametrize("value", [float("nan"), object(), {1, 2}])
def test_a_value_that_no_recipe_holds_is_refused(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"override 'seed': .* can't stand in a recipe"):
        override_texts({"seed": value})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda recipe: ganforge.load(recipe, device="gpu"), "`device` must be auto, cpu, cuda or a torch.device"),
        (lambda recipe: ganforge.load(None), "`path` must be a path, but is None."),
        (lambda recipe: ganforge.load(recipe, plugins="x.py"), "`plugins` must be a list of files, but is 'x.py'."),
        (lambda recipe: ganforge.run(recipe, stop_after="5m"), "`stop_after` must be a positive number of seconds"),
        (lambda recipe: ganforge.run(recipe, stop_after=-1), "`stop_after` must be a positive number of seconds"),
        (lambda recipe: ganforge.resume(recipe, stop_after=float("nan")), "`stop_after` must be a positive number"),
        (lambda recipe: ganforge.run(recipe, ["seed=1"]), "`overrides` must be a mapping of keys to values"),
        (lambda recipe: ganforge.run(3), "`recipe` must be a path, but is 3."),
        (lambda recipe: ganforge.score(recipe, "kd"), "`metrics` must be a list of names of evaluators, but is"),
        (lambda recipe: ganforge.export(recipe, recipe, "onnx"), "`formats` must be a list of formats, but is 'onnx'."),
    ],
)  # fmt: skip
def test_wrong_arguments_are_told_ahead_of_any_work(call: Any, message: str, tmp_path: Path) -> None:
    recipe = recipe_file(tmp_path)
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError) as caught:
        call(recipe)
    assert str(caught.value).startswith(message)
    assert sorted(tmp_path.rglob("*")) == there


def test_problems_of_a_recipe_come_as_they_do_from_the_command(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        ganforge.run(tmp_path / "no.yaml")
