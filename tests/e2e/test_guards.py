"""What stops a run, or is said, before time is lost or numbers are wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.errors import CheckpointError, DataError, RecipeError
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.execute import evaluate, plan_recipe, preflight, resume, run
from ganforge.files import write_text
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener, StepReport
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.rundir import RunDir
from ganforge.training.means import Means

CPU = torch.device("cpu")


class StopsAfter(Listener):
    def __init__(self, step: int) -> None:
        self.stop = step

    def step(self, report: StepReport) -> None:
        if report.step == self.stop:
            raise KeyboardInterrupt


def stopped_run(recipe: Path, folder: Path, components: Components) -> RunDir:
    loaded = load_recipe(recipe, [f"output.folder={folder}", "output.checkpoints_every=1"], components)
    with pytest.raises(KeyboardInterrupt):
        run(loaded, StopsAfter(2), CPU)
    (path,) = folder.iterdir()
    return RunDir.open(path)


def test_a_run_is_not_resumed_on_other_images(
    tiny_recipe: Path, tiny_images: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    first = next(path for path in sorted(tiny_images.rglob("*.png")))
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(first)
    with pytest.raises(DataError, match=r"are not those that .* began with, so it can't be resumed"):
        resume(stopped.path, components, Listener(), CPU)


def test_a_resumed_run_writes_no_row_twice_and_reports_the_penalty(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    resume(stopped.path, components, Listener(), CPU)
    rows = [json.loads(line) for line in (stopped.path / "metrics.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows]
    assert steps == sorted(set(steps))
    assert stopped.read_state()["state"] == "finished"


def test_means_are_over_the_steps_that_reported() -> None:
    means = Means()
    means.add({"loss": 1.0, "penalty": 4.0})
    means.add({"loss": 3.0})
    assert means.take() == {"loss": 2.0, "penalty": 4.0}
    assert means.take() == {}


class Claims(EvaluatorSpec):
    """Says what it was told."""

    kind: str = "claims"

    def evaluate(self, real, fake, context: EvaluationContext) -> list[Score]:  # type: ignore[no-untyped-def]
        if context.seed < 0:
            raise ValueError("broken")
        return [Score(f"conditional={context.is_conditional}", 0.0, len(real), len(fake))]


@pytest.mark.parametrize("is_conditional", [True, False])
def test_evaluators_know_whether_labels_were_asked_for_and_scores_say_what_they_were_measured_on(
    is_conditional: bool, tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    from ganforge.data.images import LoadContext
    from ganforge.execute import build_networks

    overrides = [] if is_conditional else ["generator.label=[]", "discriminator.label=[]"]
    plan = plan_recipe(load_recipe(tiny_recipe, overrides, components))
    recipe = plan.recipe.model_copy(
        update={"evaluation": plan.recipe.evaluation.model_copy(update={"evaluators": (Claims(),), "images": 6})}
    )
    object.__setattr__(plan, "recipe", recipe)
    generator, _ = build_networks(plan)
    images = recipe.data.load(16, LoadContext(tmp_path))
    nothing = images.subset(np.arange(0))
    (score,) = evaluate(plan, generator, images, nothing, Listener())
    assert score.name == f"conditional={is_conditional}"
    assert score.warnings == ("measured against the images it was TRAINED on, since none were held out",)
    (score,) = evaluate(plan, generator, nothing, images, Listener())
    assert score.warnings == ()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stages[1].name=head", "stages[1].name: two stages are called 'head'."),
        (
            "generator.blocks.head_0={kind: upsample}",
            "generator.mapping: no block of the generator reads the style.",
        ),
    ],
)
def test_a_key_without_effect_is_a_problem(
    override: str, message: str, tiny_recipe: Path, components: Components
) -> None:
    with pytest.raises(RecipeError) as caught:
        plan_recipe(load_recipe(tiny_recipe, [override], components))
    assert message in str(caught.value)


def test_a_missing_source_is_found_before_the_data_are_prepared(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    overrides = [f"source={{kind: weights_folder, path: {tmp_path / 'none'}}}", "generator.pretrained={}"]
    loaded = load_recipe(tiny_recipe, overrides, components)
    with pytest.raises(CheckpointError, match=r"there is no .*none/card\.json\."):
        preflight(loaded.recipe)


def test_files_can_be_read_by_those_whom_the_umask_lets(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    write_text(tmp_path / "ours", "x")
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
