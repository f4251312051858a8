"""new recipe and new plugin: what is written, and what is said about it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ganforge.runs.rundir import RunDir

Ganforge = Callable[..., Result]


def test_new_recipe_says_what_it_found_what_it_chose_and_what_comes_next(
    ganforge: Ganforge, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ganforge("new", "recipe", "discs")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "30 pictures as image_folder",
        "  class   pictures",
        "  large         10",
        "  medium        10",
        "  small         10",
    ]
    assert (
        "warning: a generator learns little from fewer than 20 pictures of a class: 'large' (10), 'medium' (10), "
        "'small' (10)."
    ) in lines
    assert lines[-9:] == [
        "recipe: discs.yaml",
        "schema for your editor: ganforge.schema.json",
        "next:",
        "  ganforge data check discs.yaml",
        "  ganforge check discs.yaml",
        "  ganforge run discs.yaml --dry-run",
        "  ganforge run discs.yaml",
        "  ganforge sample runs/00000-discs --count 16 --out samples",
        "  ganforge eval runs/00000-discs",
    ]
    checked = ganforge("check", "discs.yaml")
    assert (checked.exit_code, checked.stdout.splitlines()[-1]) == (0, "ok")
    again = ganforge("new", "recipe", "discs")
    assert again.exit_code == 2
    assert again.stderr == "error: discs.yaml is there already. Choose another --out, or --force.\n"
    assert ganforge("new", "recipe", "discs", "--force").exit_code == 0


def test_the_run_of_the_next_commands_is_the_one_that_a_run_would_make(
    ganforge: Ganforge, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("00000-other", "00006-discs", "notes"):
        (tmp_path / "runs" / folder).mkdir(parents=True)
    lines = ganforge("new", "recipe", "discs").stdout.splitlines()
    assert lines[-2:] == [
        "  ganforge sample runs/00007-discs --count 16 --out samples",
        "  ganforge eval runs/00007-discs",
    ]
    assert RunDir.create(Path("runs"), "discs").path == Path("runs/00007-discs")
    assert "output: {folder: runs," in (tmp_path / "discs.yaml").read_text()


def test_a_file_in_the_place_of_runs_stops_no_recipe(
    ganforge: Ganforge, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").touch()
    result = ganforge("new", "recipe", "discs")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "  ganforge eval runs/00000-discs")


def test_new_recipe_refuses_a_folder_with_nothing_in_it_as_data(ganforge: Ganforge, tmp_path: Path) -> None:
    result = ganforge("new", "recipe", tmp_path, "--out", tmp_path / "x.yaml")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"error: {tmp_path} is empty. Put one folder of pictures for each class into it.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_and_a_link_in_circles_are_no_pictures(ganforge: Ganforge, tmp_path: Path) -> None:
    pipe, loop, table = tmp_path / "pipe.csv", tmp_path / "loop", tmp_path / "loop.csv"
    os.mkfifo(pipe)
    for link in (loop, table):
        link.symlink_to(link)
    nowhere = f"error: {loop} is a link that leads nowhere, but must be the folder that holds the images.\n"
    for words, message in (
        (("new", "recipe", pipe, "--out", tmp_path / "x.yaml"), f"error: {pipe} is a pipe, not a file.\n"),
        (("new", "recipe", loop), nowhere),
        (("data", "check", pipe), f"error: {pipe} is a pipe, not a file.\n"),
        (("data", "check", table), f"error: {table} can't be read: Too many levels of symbolic links.\n"),
    ):
        result = ganforge(*words)
        assert (result.exit_code, result.stderr) == (3, message)


def test_a_folder_whose_name_no_recipe_can_hold_is_refused(ganforge: Ganforge, tiny_images: Path) -> None:
    odd = tiny_images.with_name("discs \udcfc")
    tiny_images.rename(odd)
    result = ganforge("new", "recipe", odd, "--out", odd.with_name("x.yaml"))
    assert result.exit_code == 2
    assert "discs \\udcfc has a name that is not UTF-8." in result.stderr


def test_new_plugin_says_how_to_install_test_and_see_it(
    ganforge: Ganforge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ganforge("new", "plugin", "ganforge-mine", "--kind", "block", "--kind", "depth")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "plugin: ganforge-mine",
        "next:",
        "  python -m pip install -e 'ganforge-mine[dev]'",
        "  python -m pytest ganforge-mine",
        "  ganforge ls block mine_gate",
        "  ganforge ls depth mine_middle",
        "in a recipe, once it is installed:",
        "  generator:  # or discriminator",
        "    blocks:",
        "      # where it is wanted among the others; freeze rules name it by its key, `gate`",
        "      gate: {kind: mine_gate, channels: 64}",
        "    # only in a network that is loaded from a `source`, which has no values for the block",
        '    pretrained: {fresh: ["gate.*"]}',
        "  generator:  # or discriminator",
        "    label:",
        "      - {where: {kind: mine_middle}, how: {kind: concatenate_map}}",
    ]
    assert (tmp_path / "ganforge-mine" / "ganforge_mine" / "block.py").is_file()
    refused = ganforge("new", "plugin", "ganforge-mine", "--kind", "blok")
    assert refused.exit_code == 2
    assert refused.stderr.startswith(
        "error: there is no kind of component 'blok'. Did you mean 'block'?\nKinds: block,"
    )
