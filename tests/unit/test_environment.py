"""What a run records of where it is computed, and what it says when that has changed."""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import components, planned, recipe_data
from typer.testing import CliRunner

from ganforge.cli.main import app
from ganforge.environment import environment, note_other_environment
from ganforge.listener import Listener
from ganforge.recipe.models import Recipe
from ganforge.recipe.providers import versions_of
from ganforge.runs.rundir import RunDir
from ganforge.starter.plugin import new_plugin

CPU = torch.device("cpu")


class Hears(Listener):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, message: str) -> None:
        self.warnings.append(message)


def resumed(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is said where a run that began with `before` goes on with `now`, which is recorded."""
    (folder / "environment.json").write_text(json.dumps(before))
    hears = Hears()
    note_other_environment(RunDir(folder), now, hears)
    assert json.loads((folder / "environment.json").read_text()) == now
    return hears.warnings


def test_another_gpu_or_plugin_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    before = environment(torch.device("cuda:0"), 1, {"ganforge-acme": "0.1.0"})
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    now = environment(torch.device("cuda:1"), 1, {"ganforge-acme": "0.2.0"})
    assert resumed(tmp_path, before, now) == [
        "the run began with instructions AVX2, now AVX512; device cuda:0, now cuda:1; gpu GPU 0, now GPU 1; "
        "ganforge-acme 0.1.0, now 0.2.0: from here on its bytes are not those of a run that was never stopped."
    ]
    assert resumed(tmp_path, now, now) == []


def test_runs_of_earlier_versions_that_tell_less_go_on_without_a_word(tmp_path: Path) -> None:
    now = environment(CPU, 1, {"ganforge-acme": "0.1.0"})
    before = {name: now[name] for name in now if name not in ("instructions", "processes", "ganforge-acme")}
    assert resumed(tmp_path, before, now) == []
    (warning,) = resumed(tmp_path, before, {**now, "processes": 2})
    assert warning.startswith("the run began with processes 1, now 2: ")


def test_plugins_that_decide_the_bytes_are_those_of_the_recipe_without_its_trackers() -> None:
    data = recipe_data()
    data["output"]["trackers"] = [{"kind": "stub_notes"}]
    assert versions_of(planned(data).recipe, components()) == {"ganforge-stub": "0.0.1"}
    data["data"] = {"kind": "image_folder", "root": "pictures"}
    recipe = Recipe.model_validate(data, context={"components": components()})
    assert versions_of(recipe, components()) == {}


def test_ganforge_works_from_a_source_folder_where_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def installed(name: str) -> Distribution:
        if name == "ganforge":
            raise PackageNotFoundError(name)
        return distribution(name)

    monkeypatch.setattr("importlib.metadata.distribution", installed)
    now = environment(CPU, 1, {})
    assert "ganforge" not in now and now["torch"] == version("torch")
    made = new_plugin("ganforge-acme", ["loss"], tmp_path / "acme", components())
    assert tomllib.loads((made.folder / "pyproject.toml").read_text())["project"]["dependencies"] == ["ganforge"]
    said = CliRunner().invoke(app, ["--version"]).stdout
    assert said == "ganforge, run from its source folder without being installed\n"
