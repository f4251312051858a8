"""A trained generator in Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runs import STUB, finished_run
from typer.testing import CliRunner

import ganforge
from ganforge.cli.main import app
from ganforge.errors import CheckpointError, UsageError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("conditional"))


@pytest.fixture(scope="module")
def generator(run: Path) -> ganforge.TrainedGenerator:
    return ganforge.load(run, plugins=[STUB])


def test_importing_ganforge_loads_nothing_heavy() -> None:
    code = "import sys, ganforge; dir(ganforge); print({'torch', 'numpy', 'pydantic', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_it_says_what_it_is(generator: ganforge.TrainedGenerator) -> None:
    assert generator.classes == ("across", "upright")
    assert (generator.resolution, generator.latent_dim, str(generator.device)) == (8, 4, "cpu")
    card = generator.card
    assert (card.name, card.step, card.num_steps, card.images, card.is_phantom) == ("tiny", 4, 4, 12, True)
    assert card.data is not None and card.data.name == "stripes (phantom)"
    assert sum(card.data.train) + sum(card.data.held_out) == 12
    assert [score.name for score in card.scores] == ["brightness"]
    assert "PHANTOM" in repr(generator)


@pytest.mark.parametrize(
    ("labels", "count", "words"),
    [
        ("upright", 5, ("--label", "upright", "--count", 5)),
        (1, 5, ("--label", "1", "--count", 5)),
        (["upright", "across"], 2, ("--label", "upright=2", "--label", "across=2")),
        (np.array([0, 0, 1]), 1, ("--label", "0=2", "--label", "1=1")),
        ([0, 1], 1, ("--count", 1)),
        (None, 3, ("--count", 3)),
    ],
)
def test_its_images_are_those_of_the_command(
    generator: ganforge.TrainedGenerator, run: Path, tmp_path: Path, labels: Any, count: int, words: tuple[Any, ...]
) -> None:
    out = tmp_path / "out"
    common = ["sample", run, "--seed", 7, "--truncation", 0.7, "--out", out, "-p", STUB]
    result = CliRunner().invoke(app, [str(word) for word in (*common, *words)])
    assert result.exit_code == 0, result.output
    images = generator(labels, count, seed=7, truncation=0.7)
    files = sorted(out.glob("*.png"), key=lambda path: path.stem.split("_")[1])
    assert images.shape == (len(files), 8, 8, 3) and images.dtype == np.uint8
    assert np.array_equal(images, np.stack([np.asarray(Image.open(file)) for file in files]))


def test_batches_are_the_same_images_a_few_at_a_time(generator: ganforge.TrainedGenerator) -> None:
    batches = list(generator.batches(0, 70, seed=1))
    assert [len(batch) for batch in batches] == [64, 6]
    assert np.array_equal(np.concatenate(batches), generator(0, 70, seed=1))
    assert np.array_equal(generator(0, 6, seed=1, first=64), batches[1])


def test_an_unknown_class_is_refused_with_those_that_exist(generator: ganforge.TrainedGenerator) -> None:
    with pytest.raises(UsageError, match=r"no class is called 'uprigth'\. Did you mean 'upright'\?"):
        generator("uprigth")
    with pytest.raises(UsageError, match="there is no label 2: they go from 0 to 1"):
        generator([0, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "count must be at least 1, but is 0."),
        ({"truncation": 1.5}, "truncation must be from 0 to 1, but is 1.5."),
        ({"truncation": float("nan")}, "truncation must be from 0 to 1, but is nan."),
        ({"first": -1}, "first must not be negative, but is -1."),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    generator: ganforge.TrainedGenerator, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        generator(0, **arguments)
    assert str(caught.value) == message


def test_no_labels_no_images(generator: ganforge.TrainedGenerator) -> None:
    assert generator([]).shape == (0, 8, 8, 3)


def test_a_notebook_shows_a_grid_that_calls_phantoms_phantoms(generator: ganforge.TrainedGenerator) -> None:
    assert len(generator.grid(3)) == 2 * 10 - 2
    shown = generator._repr_html_()
    assert "PHANTOM: these images are drawn by a program" in shown
    assert "from the top: across; upright" in shown and 'src="data:image/png;base64,' in shown


def test_a_generator_without_labels_gives_images_by_their_number(tmp_path: Path) -> None:
    generator = ganforge.load(finished_run(tmp_path, "gp_gan", conditional=False), plugins=[STUB])
    assert generator.classes == ()
    assert generator(count=3).shape == (3, 8, 8, 3)
    assert "without labels" in generator._repr_html_()
    with pytest.raises(UsageError, match="trained without labels"):
        generator(0)


def test_one_checkpoint_is_a_generator_whose_card_has_no_scores_of_another(
    run: Path, generator: ganforge.TrainedGenerator
) -> None:
    older = ganforge.load(run / "checkpoints" / "step_00000002", plugins=[STUB])
    assert (older.card.step, older.card.scores) == (2, ())
    assert older.card.not_measured == "the scores of the run are those of another step"
    assert not np.array_equal(older(0, 4), generator(0, 4))
    newest = ganforge.load(run / "checkpoints" / "step_00000004", plugins=[STUB])
    assert newest.card == generator.card


def test_a_damaged_checkpoint_is_warned_of(run: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / run.name))
    (copy / "checkpoints" / "step_00000004" / "generator_average.safetensors").write_bytes(b"")
    with pytest.warns(UserWarning, match="its sha256 differs"):
        assert ganforge.load(copy, plugins=[STUB]).card.step == 2


def test_a_folder_without_a_generator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no generator: it is no folder of a run"):
        ganforge.load(tmp_path)
    with pytest.raises(CheckpointError, match=r"there is no .*nowhere\."):
        ganforge.load(tmp_path / "nowhere")
