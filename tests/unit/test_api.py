"""The verbs in Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import components
from hypothesis import example, given
from hypothesis import strategies as st
from runs import STUB, finished_run, recipe_file

import ganforge
from ganforge.api import override_texts
from ganforge.errors import CheckpointError, GanforgeError, RecipeError, UsageError
from ganforge.recipe.load import load_recipe
from ganforge.recipe.overrides import parse_override
from ganforge.runs.rundir import RunDir


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


def test_a_run_whose_time_is_over_says_where_it_is_and_goes_on(tmp_path: Path) -> None:
    recipe, told = recipe_file(tmp_path), {"listener": ganforge.Listener(), "plugins": [STUB]}
    with pytest.raises(ganforge.RunStopped, match="stopped by --stop-after") as caught:
        ganforge.run(recipe, {"name": "mine"}, stop_after=1e-9, **told)
    path = caught.value.path
    assert path == tmp_path / "runs" / "00000-mine"
    assert RunDir(path).read_state()["state"] == "stopped"
    assert ganforge.run(recipe, {"name": "mine"}, resume="auto", **told) == path
    assert RunDir(path).read_state()["state"] == "finished"


def test_a_run_goes_on_with_other_values_in_a_new_folder(tmp_path: Path) -> None:
    told = {"listener": ganforge.Listener(), "plugins": [STUB]}
    with pytest.raises(ganforge.RunStopped) as caught:
        ganforge.run(recipe_file(tmp_path), stop_after=1e-9, **told)
    path = caught.value.path
    assert path is not None
    new = ganforge.resume(path, {"output.columns": 3}, **told)
    assert new.parent == path.parent and new != path
    assert RunDir(new).read_state()["begun_from"] == {"run": path.name, "step": 1, "changes": ["output.columns=3"]}
    assert ganforge.resume(path, start="newest", **told) not in (new, path)
    with pytest.raises(CheckpointError, match="has no best checkpoint"):
        ganforge.resume(path, {"output.columns": 3}, start="best", **told)


@pytest.mark.parametrize(
    ("verb", "command"), [(ganforge.run, "run RECIPE"), (ganforge.resume, "resume RUN"), (ganforge.score, "eval RUN")]
)
def test_one_of_several_processes_is_told_the_command_that_shares(
    verb: Any, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(UsageError) as caught:
        verb(recipe_file(tmp_path))
    assert str(caught.value) == (
        "a launcher started this process as one of several (WORLD_SIZE), and from Python one works alone. `ganforge "
        f"{command} --gpus N` divides the work among GPUs, `-m ganforge {command}` under torchrun too."
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("verb", [ganforge.load, ganforge.run, ganforge.resume, ganforge.score])
def test_the_process_computes_as_one_of_the_command_line(
    verb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    monkeypatch.setattr("torch.get_num_threads", lambda: 64)
    monkeypatch.setattr("torch.set_num_threads", taken.append)
    monkeypatch.setattr("ganforge.hardware.usable_processors", lambda: 3)
    monkeypatch.setattr("ganforge.hardware.keep_freed_memory", lambda: taken.append("memory"))
    with pytest.raises(GanforgeError):
        verb(tmp_path / "nowhere", plugins=[STUB])
    assert taken == ["memory", 3]


def test_a_generator_that_is_loaded_leaves_the_generators_of_random_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished_run(tmp_path)
    monkeypatch.setattr("torch.cuda.manual_seed_all", lambda seed: pytest.fail("the GPUs' generators were reseeded"))
    before = torch.get_rng_state()
    ganforge.load(run, plugins=[STUB])
    assert torch.equal(torch.get_rng_state(), before)


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


@given(st.recursive(st.text(st.characters(exclude_categories=["Cs"])), lambda inner: st.lists(inner, max_size=3)))
@example("a\x7fb")
@example("\x80")
@example("a\x85b\u2028\ufeff\uffff\U000e0001")
@example([1, "a\x7f", {"\x7f": None}])
def test_values_arrive_as_they_are(value: Any) -> None:
    (text,) = override_texts({"a.b": value})
    assert parse_override(text)[1].plain() == value


@pytest.mark.parametrize("value", [os.fsdecode(b"\xff.png"), [{"a": "\ud83d"}], Path(os.fsdecode(b"\xff"))])
def test_a_text_that_is_no_unicode_is_refused(value: Any) -> None:
    with pytest.raises(RecipeError, match=r"^override 'data.root': .* is no Unicode, and a recipe is\. A file of"):
        override_texts({"data.root": value})


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
        (lambda recipe: ganforge.run(recipe, resume=True), "`resume` must be one of None, 'auto', but is True."),
        (lambda recipe: ganforge.resume(recipe, start=3), "`start` must be one of None, 'best', 'newest', but is 3."),
        (lambda recipe: ganforge.resume(recipe, [{"kind": "x"}]), "`overrides` must be a mapping of keys to values"),
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
