"""eval: a run against its held-out images, folders against each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ganforge.errors import DataError
from ganforge.evaluation.pictures import side_of_first

Ganforge = Callable[..., Result]

BRIGHTNESS = '''\
"""Mean grey level."""

from typing import Literal

from ganforge import hookimpl
from ganforge.evaluation.score import Score
from ganforge.interfaces import EvaluatorSpec


class Brightness(EvaluatorSpec):
    """Mean grey level of the generated images, and how many are of the first class."""

    kind: Literal["brightness"] = "brightness"
    scale: float = 1.0

    def preflight(self):
        if self.scale < 0:
            raise ValueError("no light")

    def evaluate(self, real, fake, context):
        if self.scale == 0:
            raise ValueError("no scale")
        value = float(fake.images.mean()) * self.scale
        counts = fake.class_counts()
        trained = "unknown" if context.train is None else len(context.train)
        warnings = (f"conditional {context.is_conditional}, {counts} generated, trained on {trained}",)
        return [Score("brightness", value, len(real), len(fake), floor=float(real.images.mean()), warnings=warnings)]


@hookimpl
def ganforge_evaluators():
    return [Brightness]
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    path = tmp_path / "brightness.py"
    path.write_text(BRIGHTNESS, encoding="utf-8")
    return path


@pytest.fixture
def run(ganforge: Ganforge, plugin: Path, tiny_recipe: Path) -> Path:
    """The folder of a run of 1 + 1 steps that is evaluated by brightness."""
    words = ("stages[0].steps=1", "stages[1].steps=1", "evaluation={images: 6, evaluators: [{kind: brightness}]}")
    result = ganforge("run", tiny_recipe, *words, "--device", "cpu", "-p", plugin)
    assert result.exit_code == 0, result.stderr
    return tiny_recipe.parent / "runs" / "00000-tiny"


def test_a_run_is_measured_as_its_recipe_says_with_the_same_scores_as_at_its_end(
    ganforge: Ganforge, plugin: Path, run: Path
) -> None:
    result = ganforge("eval", run, "--json", "-p", plugin, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((run / "scores.json").read_text())
    (score,) = json.loads(result.stdout)
    assert (score["n_fake"], score["num_seeds"]) == (6, 3)
    assert score["warnings"] == ["conditional True, [2, 2, 2] generated, trained on 24"]
    assert score["split"] == "6 held out by group, 24 trained on, split seed 0"


def test_number_of_images_seeds_and_metrics_can_be_chosen(ganforge: Ganforge, plugin: Path, run: Path) -> None:
    words = ("--images", 9, "--seeds", 1, "--metrics", "{kind: brightness, scale: 2}", "--metrics", "brightness")
    result = ganforge("eval", run, *words, "--json", "-p", plugin)
    assert result.exit_code == 0, result.stderr
    twice, once = json.loads(result.stdout)
    assert twice["value"] == pytest.approx(2 * once["value"])
    assert (once["n_fake"], once["num_seeds"], once["seed_spread"]) == (9, 1, None)


def test_as_many_images_of_each_class_can_be_asked_for(
    ganforge: Ganforge, plugin: Path, run: Path, tiny_images: Path
) -> None:
    """Of 10 real images of a class all but one are taken away."""
    for path in sorted((tiny_images / "large").iterdir())[1:]:
        path.unlink()
    words = ("--real", tiny_images, "--images", 12, "--metrics", "brightness", "--json", "-p", plugin)
    for more, counts in (((), [0, 6, 6]), (("--equal",), [4, 4, 4])):
        result = ganforge("eval", run, *words, *more)
        assert result.exit_code == 0, result.stderr
        (score,) = json.loads(result.stdout)
        assert f"{counts} generated" in score["warnings"][0]


def test_equal_classes_are_refused_where_none_can_be_asked_for(
    ganforge: Ganforge, plugin: Path, tiny_recipe: Path
) -> None:
    words = ("stages[0].steps=1", "stages[1].steps=1", "generator.label=[]", "discriminator.label=[]")
    rules = ("stages[0].generator=[{train: '*'}]", "stages[1].generator=[{train: '*'}]")
    assert ganforge("run", tiny_recipe, *words, *rules, "--device", "cpu", "-p", plugin).exit_code == 0
    run = tiny_recipe.parent / "runs" / "00000-tiny"
    result = ganforge("eval", run, "--metrics", "brightness", "--equal", "-p", plugin)
    assert result.exit_code == 2
    assert "--equal would have no effect: the generator takes no label" in result.stderr


def test_scores_are_a_table_with_each_warning_once(ganforge: Ganforge, plugin: Path, run: Path) -> None:
    result = ganforge("eval", run, "-p", plugin)
    lines = result.stdout.splitlines()
    header = next(index for index, line in enumerate(lines) if line.startswith("  score"))
    assert lines[header].split() == ["score", "value", "seeds", "+-", "real", "x", "real", "n"]
    assert lines[header + 1].split()[0] == "brightness"
    assert lines[header + 2] == "  better: lower for brightness"
    assert lines[header + 3].startswith("  n: images compared at a time, which may be fewer than all; generated/real")
    assert lines[header + 4] == "  warning: conditional True, [2, 2, 2] generated, trained on 24"


def test_sampled_images_are_measured_against_the_run_they_came_from(
    ganforge: Ganforge, plugin: Path, run: Path, tmp_path: Path
) -> None:
    samples = tmp_path / "samples"
    assert ganforge("sample", run, "--label", "small", "--count", 3, "--out", samples, "-p", plugin).exit_code == 0
    result = ganforge("eval", samples, "--real", run, "--metrics", "brightness", "--json", "-p", plugin)
    assert result.exit_code == 0, result.stderr
    (score,) = json.loads(result.stdout)
    assert score["warnings"] == ["conditional True, [0, 0, 3] generated, trained on 24"]


def test_folders_are_measured_against_each_other(
    ganforge: Ganforge, plugin: Path, tiny_images: Path, tmp_path: Path
) -> None:
    dark = tmp_path / "dark"
    shutil.copytree(tiny_images, dark)
    for file in dark.rglob("*.png"):
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(file)
    words = ("eval", dark, "--real", tiny_images, "--train", tiny_images, "--metrics", "brightness", "--json")
    result = ganforge(*words, "-p", plugin)
    assert result.exit_code == 0, result.stderr
    (score,) = json.loads(result.stdout)
    assert score["value"] == 0.0
    assert (score["split"], score["num_seeds"]) == ("all 30", 1)
    assert score["warnings"] == ["conditional True, [10, 10, 10] generated, trained on 30"]


def test_pictures_without_classes_are_measured_without_classes(
    ganforge: Ganforge, plugin: Path, tiny_images: Path
) -> None:
    words = ("eval", tiny_images / "small", "--real", tiny_images, "--metrics", "brightness", "-p", plugin)
    result = ganforge(*words)
    assert result.exit_code == 0, result.stderr
    assert "the pictures are compared without classes." in result.stdout
    assert "warning: conditional False, [10] generated, trained on unknown" in result.stdout


def test_a_dataset_can_be_the_real_side(ganforge: Ganforge, plugin: Path, tiny_images: Path) -> None:
    real = f"{{kind: image_folder, root: {tiny_images}, classes: [small, large]}}"
    result = ganforge("eval", tiny_images / "small", "--real", real, "--metrics", "brightness", "--json", "-p", plugin)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)[0]["n_real"] == 20


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "is no run, so say with what to compare it: --real RUN, or --real FOLDER."),
        (["--real", "nowhere"], 3, "there is no folder nowhere"),
        (["--real", "{kind: image_foldr}"], 2, "no dataset is called 'image_foldr'. Did you mean 'image_folder'?"),
        (["--real", "{root: x}"], 2, "--real '{root: x}' is no mapping with a kind, such as '{kind: NAME"),
        (["--real", "{kind: image_folder}"], 2, "--real image_folder: needs a value for 'root'."),
        (
            ["--seeds", "2", "--real", "."],
            2,
            "--images, --seeds and --equal are for runs; of a folder, all pictures are taken.",
        ),
        (["--metrics", "brigthness", "--real", "."], 2, "is called 'brigthness'. Did you mean 'brightness'?"),
        (
            ["--metrics", "{kind: brightness, scale: [1]}", "--real", "."],
            2,
            "--metrics brightness: scale: must be a number, not a list.",
        ),
        (
            ["--metrics", "{kind: brightness, scale: -1}", "--real", "."],
            8,
            "'brightness' failed in its preflight: ValueError: no light",
        ),
        (["--real", "x" * 300], 3, "x can't be read: File name too long."),
        (["--metrics", ",", "--real", "."], 2, "--metrics names none. Installed: brightness"),
    ],
)
def test_what_can_not_be_measured_is_one_clear_error(
    ganforge: Ganforge, plugin: Path, tiny_images: Path, words: list[str], code: int, message: str
) -> None:
    result = ganforge("eval", tiny_images, *words, "-p", plugin)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_classes_that_differ_are_an_error(ganforge: Ganforge, plugin: Path, tiny_images: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_images, other)
    (other / "small").rename(other / "tiny")
    result = ganforge("eval", other, "--real", tiny_images, "--metrics", "brightness", "-p", plugin)
    assert result.exit_code == 3
    assert (
        "other has the classes large, medium, tiny, but discs has large, medium, small: 'tiny' is none of them."
        in result.stderr
    )


def test_a_metric_that_was_asked_for_and_fails_is_an_error_after_the_others_were_shown(
    ganforge: Ganforge, plugin: Path, run: Path
) -> None:
    words = ("--metrics", "brightness", "--metrics", "{kind: brightness, scale: 0}")
    result = ganforge("eval", run, *words, "-p", plugin)
    assert result.exit_code == 3
    assert "brightness" in result.stdout
    assert "evaluator 'brightness' gave no score: ValueError: no scale" in result.stderr


def test_other_images_than_those_of_the_run_are_refused(
    ganforge: Ganforge, plugin: Path, run: Path, tiny_images: Path
) -> None:
    (tiny_images / "small" / "00.png").unlink()
    result = ganforge("eval", run, "-p", plugin)
    assert result.exit_code == 3
    assert f"the images of discs are not those that {run} began with." in result.stderr


def test_a_training_goes_on_when_what_decides_on_its_best_gives_rubbish(
    ganforge: Ganforge, plugin: Path, tiny_recipe: Path
) -> None:
    rubbish = "{kind: brightness, scale: 1.0e+308}"
    plan = f"evaluation={{images: 6, seeds: 2, evaluators: [{rubbish}], best: {{by: brightness, every: 2}}}}"
    result = ganforge(
        "run", tiny_recipe, "stages[0].steps=1", "stages[1].steps=1", plan, "--device", "cpu", "-p", plugin
    )
    assert result.exit_code == 0, result.stderr
    reason = "the field `value` of its score 'brightness' is inf, not a finite Python number."
    assert f"warning: evaluator 'brightness' gave no score: PluginError: {reason}" in result.stdout
    assert json.loads((tiny_recipe.parent / "runs" / "00000-tiny" / "scores.json").read_text()) == []


def test_rubbish_is_no_json(ganforge: Ganforge, plugin: Path, tiny_images: Path) -> None:
    metric = "{kind: brightness, scale: 1.0e+308}"
    result = ganforge("eval", tiny_images, "--real", tiny_images, "--metrics", metric, "--json", "-p", plugin)
    assert (result.exit_code, json.loads(result.stdout)) == (3, [])
    assert "evaluator 'brightness' gave no score: PluginError: the field `value` of its" in result.stderr


def test_no_picture_is_left_out_and_none_that_is_hidden_decides(
    ganforge: Ganforge, plugin: Path, tiny_images: Path, tmp_path: Path
) -> None:
    hidden = tiny_images / ".thumbs" / "z.png"
    hidden.parent.mkdir()
    Image.new("RGB", (40, 40)).save(hidden)
    words = ("eval", tiny_images, "--real", tiny_images, "--metrics", "brightness", "-p", plugin)
    assert ganforge(*words).exit_code == 0
    assert side_of_first(tiny_images) == 16
    Image.new("RGB", (16, 16)).save(tiny_images / "stray.png")
    result = ganforge(*words)
    assert result.exit_code == 3
    assert "stray.png lies beside the class folders; move it into one." in result.stderr


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((4097, 4100), "is 4097 pixels a side, and images of 4 to 4096 can be compared. Say with --resolution to how"),
        ((3, 3), "is 3 pixels a side, and images of 4 to 4096 can be compared. Say with --resolution to how"),
        ((8001, 8000), "has more than 64 megapixels: 8001 x 8000 pixels."),
    ],
)
def test_the_first_picture_decides_on_the_resolution_within_limits(
    tmp_path: Path, size: tuple[int, int], reason: str
) -> None:
    Image.new("1", size).save(tmp_path / "0.png")
    with pytest.raises(DataError) as error:
        side_of_first(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/0.png {reason}")


def test_a_cache_that_is_none_is_named(
    ganforge: Ganforge, plugin: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", "/dev/null")
    result = ganforge("eval", tiny_images, "--real", tiny_images, "--metrics", "brightness", "-p", plugin)
    assert result.exit_code == 3
    assert "content.json can't be written to /dev/null" in result.stderr
    assert "GANFORGE_CACHE can name another folder for the cache." in result.stderr


def test_scores_of_truncated_samples_say_so(ganforge: Ganforge, plugin: Path, run: Path, tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    words = ("--label", "small", "--count", 3, "--truncation", 0.5, "--out", samples)
    assert ganforge("sample", run, *words, "-p", plugin).exit_code == 0
    result = ganforge("eval", samples, "--real", run, "--metrics", "brightness", "-p", plugin)
    assert "warning: sampled with truncation 0.5: less diverse than the generator is" in result.stdout


def test_a_run_against_other_real_images_keeps_its_own_training_images(
    ganforge: Ganforge, plugin: Path, run: Path, tiny_images: Path
) -> None:
    result = ganforge("eval", run, "--real", tiny_images, "--json", "-p", plugin)
    assert result.exit_code == 0, result.stderr
    (score,) = json.loads(result.stdout)
    assert score["n_real"] == 30
    assert score["warnings"][0].endswith("trained on 24")
    assert score["warnings"][1] == "24 of the 30 real images are of patients that the generator was TRAINED on"
