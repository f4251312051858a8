"""run, resume and sample, on discs of 16 pixels."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import Result

from ganforge.cli.training import read_duration
from ganforge.errors import UsageError
from ganforge.processes.stop import RunStopped, Stops
from ganforge.samples.wanted import wanted_counts
from ganforge.training.trainer import Trainer

Ganforge = Callable[..., Result]


@pytest.fixture
def finished_run(ganforge: Ganforge, tiny_recipe: Path) -> Path:
    """The folder of a run of 1 + 1 steps."""
    result = ganforge("run", tiny_recipe, "stages[0].steps=1", "stages[1].steps=1", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    return tiny_recipe.parent / "runs" / "00000-tiny"


def test_run_tells_its_story_in_plain_lines(ganforge: Ganforge, tiny_recipe: Path) -> None:
    result = ganforge("run", tiny_recipe, "--device", "cpu", "--threads", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    folder = tiny_recipe.parent / "runs" / "00000-tiny"
    lines = result.stdout.splitlines()
    assert lines[:3] == ["tiny", "  Discs of three sizes.", f"folder: {folder} (with samples/ and checkpoints/)"]
    assert "data: discs, licence: not stated; 24 images to train on, 6 held out" in lines
    assert [line.split("  ")[0] for line in lines if line.startswith("step ")] == ["step 1/4", "step 3/4", "step 4/4"]
    assert lines[-3:] == [
        f"samples: {folder}/samples/step_00000004.png",
        f"report: {folder}/report.html",
        f"next: ganforge sample {folder} --label small --count 16 --out samples",
    ]
    assert all(character == "\n" or character.isprintable() for character in result.stdout)


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(
    ganforge: Ganforge, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_step = Trainer._one_step

    def interrupt(trainer: Trainer) -> dict[str, float]:
        if trainer.step == 3:
            raise KeyboardInterrupt
        return one_step(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_one_step", interrupt)
        stopped = ganforge("run", tiny_recipe)
    folder = tiny_recipe.parent / "runs" / "00000-tiny"
    assert stopped.exit_code == 130
    assert stopped.stderr == f"stopped; continue with `ganforge resume {folder}`\n"
    resumed = ganforge("resume", folder)
    assert resumed.exit_code == 0
    assert "continued from the checkpoint of step 2\n" in resumed.stdout
    assert "step 4/4  stage all" in resumed.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_saves_the_step_and_says_how_to_go_on(
    ganforge: Ganforge,
    tiny_recipe: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    one_step = Trainer._one_step

    def ask(trainer: Trainer) -> dict[str, float]:
        if trainer.step == 2:
            os.kill(os.getpid(), number)
        return one_step(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_one_step", ask)
        stopped = ganforge("run", tiny_recipe)
    folder = tiny_recipe.parent / "runs" / "00000-tiny"
    assert stopped.exit_code == 128 + number
    # at once, and past all buffers
    at_once = f"{number.name}: the step is finished and saved first; a second signal stops at once.\n"
    assert capfd.readouterr().err == at_once
    assert stopped.stderr == f"stopped by {number.name}; continue with `ganforge resume {folder}`\n"
    resumed = ganforge("resume", folder)
    assert "continued from the checkpoint of step 3\n" in resumed.stdout


def test_run_with_resume_continues_the_run_of_this_very_recipe(
    ganforge: Ganforge, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Stops, "asked", lambda self: RunStopped("SIGTERM", 143))
        assert ganforge("run", tiny_recipe, "--resume", "auto").exit_code == 143
    other = ganforge("run", tiny_recipe, "seed=1", "stages[0].steps=1", "stages[1].steps=1", "--resume", "auto")
    assert "runs/00001-tiny" in other.stdout
    resumed = ganforge("run", tiny_recipe, "--resume", "auto")
    assert "continued from the checkpoint of step 1\n" in resumed.stdout
    again = ganforge("run", tiny_recipe, "--resume", "auto")
    assert again.exit_code == 0
    assert "00000-tiny is finished already; nothing was done" in again.stdout
    assert len(list((tiny_recipe.parent / "runs").iterdir())) == 2


def test_a_run_stops_when_its_time_is_over(ganforge: Ganforge, tiny_recipe: Path) -> None:
    stopped = ganforge("run", tiny_recipe, "stages[1].steps=100000", "--stop-after", "1s")
    assert stopped.exit_code == 143
    assert stopped.stderr.startswith("stopped by --stop-after; continue with `ganforge resume ")


@given(st.integers(0, 9), st.integers(0, 30), st.integers(0, 100), st.integers(1, 100))
def test_durations_are_sums_of_their_parts(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = 86400 * days + 3600 * hours + 60 * minutes + seconds
    assert read_duration(f"{days}d{hours}h{minutes}m{seconds}s") == expected
    assert read_duration(f"{hours}h{minutes}m{seconds}") == expected - 86400 * days
    assert read_duration(None) is None


@pytest.mark.parametrize("text", ["", "0", "soon", "-5m", "1.5h", "h", "9" * 30])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_duration(text)
    assert str(caught.value) == f"--stop-after must be a time such as 45s, 90m, 1h30m or 2d, but is '{text}'."


def test_a_finished_run_is_left_as_it_is(ganforge: Ganforge, finished_run: Path) -> None:
    result = ganforge("resume", finished_run)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "",
        f"{finished_run} is finished already; nothing was done",
        f"next: ganforge sample {finished_run} --count 16 --out samples",
    ]


def test_a_finished_run_whose_checkpoints_are_gone_says_so(
    ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path
) -> None:
    assert ganforge("run", tiny_recipe).exit_code == 0
    run = tiny_recipe.parent / "runs" / "00000-tiny"
    shutil.rmtree(run / "checkpoints")
    for words in (
        ("resume", run),
        ("sample", run, "--out", tmp_path / "samples"),
        ("eval", run, "--metrics", "memorisation"),
        ("export", run, "--out", tmp_path / "export"),
    ):
        result = ganforge(*words)
        assert (result.exit_code, result.stderr) == (
            5,
            f"error: {run}/checkpoints holds no checkpoint that can be used.\n"
            "The run is finished, so that they were there and are gone. Put them back (is a disk missing?); samples, "
            f"metrics and scores are still there. `ganforge run {run}/recipe.yaml` trains it anew, to the same bytes "
            "on the same machine.\n",
        )


def test_the_command_that_continues_computes_as_the_run_did(
    tiny_recipe: Path, ganforge: Ganforge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*words: object, **names: object) -> None:
        raise RunStopped("SIGTERM", 143)

    monkeypatch.setattr("ganforge.training.trainer.Trainer.fit", stopped)
    threads = torch.get_num_threads()
    result = ganforge("run", tiny_recipe, "--device", "cpu", "--threads", threads)
    assert result.exit_code == 143
    assert result.stderr.endswith(f" --device cpu --threads {threads}`\n")


@pytest.mark.parametrize("words", [("--patience", "5m"), ("--max-restarts", "1")])
def test_options_for_several_processes_are_refused_to_one(
    ganforge: Ganforge, tiny_recipe: Path, finished_run: Path, words: tuple[str, str]
) -> None:
    for command in (("run", tiny_recipe), ("resume", finished_run)):
        result = ganforge(*command, *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"error: {words[0]} ") and "goes with --gpus" in result.stderr


@pytest.mark.parametrize("gpus", ["1", "cpu:1"])
def test_options_for_several_processes_are_refused_to_one_that_was_asked_for(
    ganforge: Ganforge, tiny_recipe: Path, gpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    result = ganforge("run", tiny_recipe, "--gpus", gpus, "--patience", "5m", "--max-restarts", "1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: --gpus {gpus} starts no other process here, so that --max-restarts and --patience would have no "
        "effect.\n"
    )


def test_a_command_for_all_gpus_is_taken_where_there_are_none_with_a_warning(
    ganforge: Ganforge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    result = ganforge("resume", tmp_path, "--gpus", "auto", "--patience", "5m")
    assert result.exit_code == 5
    assert result.stderr.splitlines() == [
        "warning: --gpus auto starts no other process here, so that --patience would have no effect.",
        f"error: {tmp_path} is no folder of a run: it holds no run.json and recipe.yaml.",
    ]


def test_resume_wants_a_run(ganforge: Ganforge, tmp_path: Path) -> None:
    result = ganforge("resume", tmp_path)
    assert result.exit_code == 5
    assert result.stderr == f"error: {tmp_path} is no folder of a run: it holds no run.json and recipe.yaml.\n"


@pytest.mark.parametrize("verb", [("sample", "--out", "new"), ("export", "--out", "new"), ("resume",), ("report",)])
def test_a_run_that_is_not_there_is_met_with_those_that_are(
    ganforge: Ganforge, finished_run: Path, verb: tuple[str, ...]
) -> None:
    runs = finished_run.parent
    for asked, meant in (
        ("00000", " Did you mean '00000-tiny'?"),
        ("00009-tiny", " Did you mean '00000-tiny'?"),
        ("x", ""),
    ):
        result = ganforge(verb[0], runs / asked, *verb[1:])
        assert result.exit_code == 5
        assert result.stderr == f"error: there is no {runs / asked}.{meant} Runs in {runs}: 00000-tiny.\n"
    result = ganforge(verb[0], runs / "x" / "y", *verb[1:])
    assert result.stderr == f"error: there is no {runs}/x/y.\n"


def test_sample_draws_the_classes_that_were_asked_for(ganforge: Ganforge, finished_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("--grade", "2", "--label", "large", "--count", "2", "--truncation", "0.8", "--out", out)
    result = ganforge("sample", finished_run, *words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-2:] == [
        "4 images, 2 for each of: small (label 2), large (label 0)",
        f"table: {out}/samples.csv",
    ]
    rows = list(csv.DictReader((out / "samples.csv").open(encoding="utf-8")))
    assert [row["class"] for row in rows] == ["small", "small", "large", "large"]
    assert all((out / row["file"]).is_file() and row["truncation"] == "0.8" for row in rows)


def test_sample_draws_all_classes_if_none_is_asked_for(ganforge: Ganforge, finished_run: Path, tmp_path: Path) -> None:
    result = ganforge("sample", finished_run, "--count", "1", "--out", tmp_path / "out")
    assert "3 images, 1 for each of: large (label 0), medium (label 1), small (label 2)\n" in result.stdout
    again = ganforge("sample", finished_run, "--out", tmp_path / "out")
    assert again.exit_code == 2
    assert again.stderr == (
        f"error: {tmp_path}/out exists and is no empty folder: it holds the samples of another call, with another "
        "--first, --seed, number of images, option or generator, and none are added to them. Choose another with "
        "--out.\n"
    )


@pytest.mark.parametrize("value", ["1.5", "-0.1", "nan"])
def test_truncation_lies_between_0_and_1(ganforge: Ganforge, tmp_path: Path, value: str) -> None:
    result = ganforge("sample", tmp_path, "--out", tmp_path / "out", "--truncation", value)
    assert result.exit_code == 2
    assert result.stderr == f"error: --truncation must be from 0 to 1, but is {value}.\n"


def test_an_unconditional_generator_has_no_classes(ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path) -> None:
    words = ("generator.label=[]", "discriminator.label=[]", "stages[0].steps=1", "stages[1].steps=1")
    folder = tiny_recipe.parent / "runs" / "00000-tiny"
    told = ganforge("run", tiny_recipe, *words).stdout
    assert told.endswith(f"next: ganforge sample {folder} --count 16 --out samples\n")
    refused = ganforge("sample", folder, "--label", "small", "--out", tmp_path / "out")
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"error: {folder} was trained without labels, so that no class can be asked for. Omit --label.\n"
    )
    drawn = ganforge("sample", folder, "--count", "2", "--out", tmp_path / "out")
    assert "2 images, 2 for each of: unconditional (label 0)\n" in drawn.stdout


def test_each_class_may_have_a_number_of_images_of_its_own(
    ganforge: Ganforge, finished_run: Path, tmp_path: Path
) -> None:
    words = ("--label", "small=3", "--label", "0", "--count", "1", "--layout", "folders", "--out", tmp_path / "out")
    result = ganforge("sample", finished_run, *words)
    assert result.stdout.splitlines()[-2] == "4 images, 3 of small (label 2), 1 of large (label 0)"
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png"))
    assert found == ["large/000003.png", "small/000000.png", "small/000001.png", "small/000002.png"]


def test_the_name_of_a_class_may_hold_an_equals_sign() -> None:
    assert wanted_counts(["a=2"], 16, ["a", "a=2"]) == {1: 16}
    assert wanted_counts(["a=2=5", "a=3"], 16, ["a", "a=2"]) == {1: 5, 0: 3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["small=0"], "--label 'small=0' must be CLASS or CLASS=N, with N from 1 to 1,000,000."),
        (["small=x"], "--label 'small=x' must be CLASS or CLASS=N, with N from 1 to 1,000,000."),
        (["small=2", "1=3"], "--label gives two numbers of images for 'small': 2, 3."),
    ],
)
def test_numbers_of_images_that_make_no_sense_are_refused(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        wanted_counts(words, 16, ["large", "small"])
    assert str(caught.value) == message
