"""What the shells get at the tab key, by the protocol that each of them speaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganforge.cli import completion
from ganforge.cli.completion import complete_family, complete_recipe, complete_run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.yaml", "deep/b.yml", "deep/er/c.yaml", "notes.txt", ".hidden/d.yaml", "deep/1/2/3/too_deep.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("00000-x", "00001-y"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", ["a.yaml", "deep/b.yml", "deep/er/c.yaml"]),
        ("a", ["a.yaml"]),
        ("./a", ["./a.yaml"]),
        ("de", ["deep/b.yml", "deep/er/c.yaml"]),
        ("deep/e", ["deep/er/c.yaml"]),
        ("nowhere/x", []),
        ("notes", []),
        ("\0", []),
    ],
)
@pytest.mark.usefixtures("here")
def test_recipes_are_offered_as_they_would_be_typed(typed: str, offered: list[str]) -> None:
    assert complete_recipe(typed) == offered


@pytest.mark.usefixtures("here")
def test_runs_are_offered_by_their_folders() -> None:
    assert complete_run("") == ["runs/00000-x", "runs/00001-y"]
    assert complete_run("runs/00001") == ["runs/00001-y"]
    assert complete_run("a") == []


@pytest.mark.usefixtures("here")
def test_a_huge_folder_is_not_searched_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "MOST_ENTRIES", 0)
    assert complete_recipe("") == []


def test_kinds_are_offered() -> None:
    assert complete_family("in") == ["injection", "initialisation"]


def asked(shell: str, *words: str, **more: str) -> list[str]:
    """Lines that `ganforge` gives the shell for these words, the last of which is unfinished."""
    line = " ".join(("ganforge", *words))
    environment = {
        **os.environ,
        "_GANFORGE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": line,
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-m", "ganforge"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_zsh_and_fish_are_answered(here: Path) -> None:
    assert asked("bash", "check", "deep/e") == ["deep/er/c.yaml"]
    assert asked("bash", "ls", "block", "styl") == ["style"]
    assert "resume" in asked("bash", "r")
    assert any("'00001-y'" in line or "runs/00001-y" in line for line in asked("zsh", "resume", "runs/00001"))
    fish = asked("fish", "ls", "block", "st", _TYPER_COMPLETE_FISH_ACTION="get-args")
    assert [line.split("\t")[0] for line in fish] == ["statistics_affine", "style"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    environment = {**os.environ, "_GANFORGE_COMPLETE": f"source_{shell}"}
    command = [sys.executable, "-m", "ganforge"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert f"_GANFORGE_COMPLETE=complete_{shell}" in done.stdout
