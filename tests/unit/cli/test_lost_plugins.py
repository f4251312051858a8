"""A run whose plugin is not here any more, and runs that never trained."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from runs import STUB, recipe_file
from typer.testing import Result

from ganforge import execute
from ganforge.errors import DataError
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.recipe.providers import lost_plugins
from ganforge.registry import Components
from ganforge.runs.rundir import RunDir

Ganforge = Callable[..., Result]


def test_who_opens_a_run_is_told_which_plugin_it_lacks(ganforge: Ganforge, tmp_path: Path) -> None:
    assert ganforge("run", recipe_file(tmp_path), "-p", STUB).exit_code == 0
    (run,) = (tmp_path / "runs").iterdir()
    recorded = json.loads((run / "run.json").read_text())["plugins"]
    assert recorded == {"-p __init__.py": ["dataset stub_stripes", "evaluator stub_brightness"]}
    for words in (
        ("sample", run, "--out", tmp_path / "out"),
        ("eval", run),
        ("resume", run),
        ("resume", run, "seed=3"),
    ):
        result = ganforge(*words)
        assert result.exit_code == 2, words
        first, *_, last = result.stderr.splitlines()
        assert "no dataset is called 'stub_stripes'." in first
        assert "If a plugin has it, install that, or name its file with -p FILE." in first
        assert last == (
            "error: the run was made with -p __init__.py, which has the dataset 'stub_stripes', the evaluator "
            "'stub_brightness'; give it with -p __init__.py."
        )
    assert "the run was made with -p __init__.py" in ganforge("report", run).stderr


def test_of_an_installed_plugin_the_package_is_named_and_damaged_records_are_no_error(components: Components) -> None:
    (problem,) = lost_plugins({"ganforge-gone 1.2": ["block gone_gate", "loss bce"]}, components)
    assert str(problem) == (
        "the run was made with ganforge-gone 1.2, which has the block 'gone_gate'; install it: pip install "
        "ganforge-gone."
    )
    for odd in (None, 3, [], {"x": 3}, {"x": [3, None, "nothing"]}, {"": [["a"]]}):
        assert lost_plugins(odd, components) == []


class Heard(Listener):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def failed(recipe: Path, components: Components) -> list[str]:
    heard = Heard()
    with pytest.raises(DataError):
        execute.run(load_recipe(recipe, (), components), heard, torch.device("cpu"))
    return heard.notes


def test_a_run_that_never_trained_leaves_no_folder_and_no_number(
    tiny_recipe: Path, tiny_images: Path, components: Components
) -> None:
    (tiny_images / "small" / "bad.png").write_bytes(b"")
    runs = tiny_recipe.parent / "runs"
    assert failed(tiny_recipe, components) == [f"{runs}/00000-tiny held nothing of a training and was removed."]
    assert list(runs.iterdir()) == []
    (tiny_images / "small" / "bad.png").unlink()
    path = execute.run(load_recipe(tiny_recipe, (), components), Listener(), torch.device("cpu")).path
    assert path.name == "00000-tiny"


@pytest.mark.parametrize("name", ["notes.txt", "metrics.jsonl", "quarantine.csv", "samples/step_00000000.png"])
def test_what_somebody_could_want_keeps_the_folder(tmp_path: Path, name: str) -> None:
    run = RunDir.create(tmp_path, "x")
    for each in ("recipe.yaml", "run.json", name):
        (run.path / each).parent.mkdir(exist_ok=True)
        (run.path / each).write_text("x")
    before = sorted(run.path.rglob("*"))
    assert not run.remove_unused() and sorted(run.path.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["00000-x"]


def test_a_file_that_comes_while_the_folder_is_looked_at_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDir.create(tmp_path, "x")
    (run.path / "run.json").write_text("x")
    rename = Path.rename

    def late(path: Path, new: Path) -> Path:
        if path == run.path:
            (path / "late.txt").write_text("x")
        return rename(path, new)

    monkeypatch.setattr(Path, "rename", late)
    assert not run.remove_unused()
    assert sorted(path.name for path in run.path.iterdir()) == [".lock", "late.txt", "run.json"]


def test_a_folder_that_another_process_has_found_stays(tmp_path: Path) -> None:
    run = RunDir.create(tmp_path, "x")
    (run.path / "run.json").write_text("x")
    with RunDir(run.path).locked(pytest.fail):
        assert not run.remove_unused() and (run.path / "run.json").exists()
    assert run.remove_unused() and not run.path.exists()


def test_a_folder_that_may_not_be_removed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDir.create(tmp_path, "x")

    def closed(*_: object) -> None:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "rename", closed)
    assert not run.remove_unused() and run.path.is_dir()
