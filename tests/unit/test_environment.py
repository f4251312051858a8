"""What a run records of where it is computed, and what it says when that has changed."""

from __future__ import annotations

import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path

import pytest
import torch
from cases import components
from typer.testing import CliRunner

from ganforge.cli.main import app
from ganforge.environment import environment
from ganforge.starter.plugin import new_plugin

CPU = torch.device("cpu")


def test_ganforge_works_from_a_source_folder_where_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def installed(name: str) -> Distribution:
        if name == "ganforge":
            raise PackageNotFoundError(name)
        return distribution(name)

    monkeypatch.setattr("importlib.metadata.distribution", installed)
    now = environment(CPU)
    assert "ganforge" not in now and now["torch"] == version("torch")
    made = new_plugin("ganforge-acme", ["loss"], tmp_path / "acme", components())
    assert tomllib.loads((made.folder / "pyproject.toml").read_text())["project"]["dependencies"] == ["ganforge"]
    said = CliRunner().invoke(app, ["--version"]).stdout
    assert said == "ganforge, run from its source folder without being installed\n"
