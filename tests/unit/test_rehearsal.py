"""A dry run: real steps, nothing kept, and an estimate of what the run would take."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from ganforge import rehearsal
from ganforge.cli.main import app
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.rehearsal import made_up_images, rehearse
from ganforge.training.trainer import Trainer

CPU = torch.device("cpu")


def ganforge(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the steps that are done."""
    done: list[int] = []
    advance: Callable[[Trainer], object] = Trainer.advance

    def noted(trainer: Trainer) -> object:
        done.append(trainer.step)
        return advance(trainer)

    monkeypatch.setattr(Trainer, "advance", noted)
    return done


def test_each_stage_is_tried_with_and_without_its_penalty(
    tiny_recipe: Path, components: Components, steps: list[int]
) -> None:
    loaded = load_recipe(tiny_recipe, ["stages[0].steps=3", "stages[1].steps=400"], components)
    estimate = rehearse(loaded, Listener(), CPU)
    assert steps == [0, 0, 1, 3, 4, 3]  # R1 at every second step
    assert [(stage.name, stage.steps) for stage in estimate.stages] == [("head", 3), ("all", 400)]
    assert estimate.seconds == pytest.approx(sum(stage.steps * stage.seconds for stage in estimate.stages))
    assert 0 < estimate.seconds < 400 and 10**7 < estimate.peak_bytes < 10**11
    assert estimate.disk_bytes > 0 and estimate.free_bytes > estimate.disk_bytes


def test_a_slow_step_is_not_done_again(
    tiny_recipe: Path, components: Components, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "LONG", 0.0)
    rehearse(load_recipe(tiny_recipe, (), components), Listener(), CPU)
    assert steps == [0, 2]


def test_the_mean_step_weighs_penalties_by_how_often_they_are_due(
    tiny_recipe: Path, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "_timed", lambda trainer, step: 5.0 if step % 4 == 0 else 1.0)
    loaded = load_recipe(tiny_recipe, ["training.regularisers[0].every=4", "stages[0].steps=8"], components)
    assert rehearse(loaded, Listener(), CPU).stages[0].seconds == pytest.approx((5 + 3 * 1) / 4)


def test_no_file_and_no_folder_is_left(tiny_recipe: Path, components: Components) -> None:
    before = sorted(tiny_recipe.parent.rglob("*"))
    result = ganforge("run", tiny_recipe, "--dry-run", "--device", "cpu")
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(tiny_recipe.parent.rglob("*")) == before


def test_the_estimate_is_told_with_the_command_that_trains(tiny_recipe: Path) -> None:
    result = ganforge("run", tiny_recipe, "seed=7", "--dry-run", "--device", "cpu")
    lines = result.stdout.splitlines()
    assert lines[:3] == [
        "tiny: tried out, nothing was written",
        "  generator: 4,711 parameters",
        "  discriminator: 945 parameters",
    ]
    assert [line.split()[:2] for line in lines if line.startswith(("  head ", "  all "))] == [
        ["head", "2"],
        ["all", "2"],
    ]
    assert re.search(r"^  memory: \d+\.\d GB of the process, without the images$", result.stdout, re.MULTILINE)
    assert re.search(r"^  disk: about \d+ MB in .*, which has [\d,.]+ GB left$", result.stdout, re.MULTILINE)
    assert re.search(r"^  time: about 0:00:0\d for the steps, if the machine stays", result.stdout, re.MULTILINE)
    assert lines[-1] == f"next: ganforge run {tiny_recipe} seed=7"


def test_a_source_is_loaded_before_the_steps(tiny_recipe: Path) -> None:
    words = ["source={kind: flowers_64}", "generator.pretrained={}", "discriminator.pretrained={}"]
    result = ganforge("run", tiny_recipe, "--dry-run", *words)
    assert result.exit_code == 5
    assert "the weights don't fit the generator:" in result.stderr


@pytest.mark.parametrize("words", [["--resume", "auto"], ["--stop-after", "1h"]])
def test_options_that_would_have_no_effect_are_refused(tiny_recipe: Path, words: list[str]) -> None:
    result = ganforge("run", tiny_recipe, "--dry-run", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --dry-run trains nothing,")


def test_the_images_are_noise_of_every_class(tiny_recipe: Path, components: Components) -> None:
    loaded = load_recipe(tiny_recipe, (), components)
    images = made_up_images(rehearsal.plan_recipe(loaded))
    assert images.images.shape == (6, 3, 16, 16)
    assert images.class_counts() == [2, 2, 2]
    assert images.card.is_phantom
