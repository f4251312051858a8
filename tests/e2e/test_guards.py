"""What stops a run, or is said, before time is lost or numbers are wrong."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.branch import branch
from ganforge.data.samplers import Balanced
from ganforge.errors import CheckpointError, DataError, MemoryLimitError, OutputError, PluginError, RecipeError
from ganforge.evaluation.evaluation import Evaluation, reference_of
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.execute import resume, run
from ganforge.files import sha256_of, write_text
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener, StepReport
from ganforge.opening import load_generator
from ganforge.planning import plan_recipe, preflight
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import list_checkpoints
from ganforge.runs.rundir import RunDir
from ganforge.tensors import load_tensors, save_tensors
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


@pytest.mark.parametrize(
    ("found", "error", "message"),
    [
        ([1 / 3] * 3, PluginError, r"^sampler 'balanced' gives 3 probabilities for 24 images\.$"),
        (None, RecipeError, r"^training\.sampler: every image has weight 0\.$"),
    ],
)
def test_a_run_asks_its_sampler_for_probabilities(
    tiny_recipe: Path,
    components: Components,
    monkeypatch: pytest.MonkeyPatch,
    found: list[float] | None,
    error: type[Exception],
    message: str,
) -> None:
    def weights(self: Balanced, labels: list[int], num_classes: int) -> list[float]:
        if len(labels) > num_classes and found is None:
            raise ValueError("every image has weight 0.")
        return found or [1 / 3] * 3

    monkeypatch.setattr(Balanced, "weights", weights)
    with pytest.raises(error, match=message):
        run(load_recipe(tiny_recipe, (), components), Listener(), CPU)


def test_a_run_is_not_resumed_on_other_images(
    tiny_recipe: Path, tiny_images: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    first = next(path for path in sorted(tiny_images.rglob("*.png")))
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(first)
    with pytest.raises(DataError, match=r"are not those that .* began with\."):
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
    from ganforge.start import build_networks

    overrides = [] if is_conditional else ["generator.label=[]", "discriminator.label=[]"]
    plan = plan_recipe(load_recipe(tiny_recipe, overrides, components))
    recipe = plan.recipe.model_copy(
        update={"evaluation": plan.recipe.evaluation.model_copy(update={"evaluators": (Claims(),), "images": 6})}
    )
    object.__setattr__(plan, "recipe", recipe)
    generator, _ = build_networks(plan)
    images = recipe.data.load(16, LoadContext(tmp_path))
    nothing = images.subset(np.arange(0))
    reference = reference_of(plan.recipe, images, nothing)
    (score,) = Evaluation(plan.recipe, reference, Listener(), components).scores(generator)
    assert score.name == f"conditional={is_conditional}"
    assert score.warnings == ("measured against the images it was TRAINED on, since none were held out",)
    reference = reference_of(plan.recipe, nothing, images)
    (score,) = Evaluation(plan.recipe, reference, Listener(), components).scores(generator)
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


def test_a_run_that_is_being_written_is_not_resumed_beside_it(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    with stopped.locked(pytest.fail), pytest.raises(CheckpointError, match="is being written by another process"):
        resume(stopped.path, components, Listener(), CPU)


class Hears(Listener):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def test_a_disk_without_locks_is_told_and_used(
    tiny_recipe: Path, tmp_path: Path, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(handle: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    monkeypatch.setattr("fcntl.flock", refuses)
    hears = Hears()
    resume(stopped.path, components, hears, CPU)
    assert f"the disk of {stopped.path} has no locks: see to it that no second process continues this run." in (
        hears.warnings
    )
    assert stopped.read_state()["state"] == "finished"


@pytest.mark.parametrize("name", [".lock", "metrics.jsonl"])
def test_a_run_from_elsewhere_writes_to_no_file_of_mine(
    name: str, tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    mine = tmp_path / "mine"
    shutil.copyfile(stopped.path / name, mine)
    mine.write_text(mine.read_text() + "\n")
    before = mine.read_text()
    (stopped.path / name).unlink()
    (stopped.path / name).symlink_to(mine)
    with pytest.raises(CheckpointError, match="is a link") if name == "metrics.jsonl" else nullcontext():
        stopped.append_metrics({"step": 1})
    with pytest.raises(OutputError, match="symbolic link") if name == ".lock" else nullcontext():
        resume(stopped.path, components, Listener(), CPU)  # puts a file of its own in the place of metrics
    assert mine.read_text() == before


def test_a_run_whose_checkpoints_are_gone_does_not_begin_again(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    rows = (stopped.path / "metrics.jsonl").read_bytes()
    stopped.append_metrics({"step": 1})
    stopped.checkpoints.rename(tmp_path / "elsewhere")
    with pytest.raises(
        CheckpointError, match=r"came past its first checkpoint, but .*checkpoints holds none\. Put them"
    ):
        resume(stopped.path, components, Listener(), CPU)
    assert (stopped.path / "metrics.jsonl").read_bytes().startswith(rows)
    (tmp_path / "elsewhere").rename(stopped.checkpoints)
    resume(stopped.path, components, Listener(), CPU)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_metrics_that_are_no_file_are_named(
    make: Callable[[Path], None], tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    (stopped.path / "metrics.jsonl").unlink()
    make(stopped.path / "metrics.jsonl")
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl is no file: move it away"):
        resume(stopped.path, components, Listener(), CPU)


def test_a_finished_run_without_its_last_checkpoint_says_so(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    finished = run(load_recipe(tiny_recipe, [f"output.folder={tmp_path / 'runs'}"], components), Listener(), CPU)
    *_, before, last = list_checkpoints(finished.checkpoints)
    shutil.rmtree(last)
    hears = Hears()
    load_generator(finished.path, components, CPU, hears)
    assert hears.warnings == [f"{finished.path} ended at step 4, but the checkpoint of that step is gone."]
    before.rename(last)
    with pytest.raises(CheckpointError, match=f"{last} holds the checkpoint of step 2: it was copied or renamed"):
        load_generator(finished.path, components, CPU, Listener())


def test_a_run_that_goes_on_elsewhere_says_so(tiny_recipe: Path, tmp_path: Path, components: Components) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    path = stopped.path / "environment.json"
    before = json.loads(path.read_text())
    write_text(path, json.dumps({**before, "threads": 99, "torch": "2.10.0"}))
    hears = Hears()
    resume(stopped.path, components, hears, CPU)
    assert hears.warnings == [
        f"the run began with threads 99, now {before['threads']}; torch 2.10.0, now {before['torch']}: from here on "
        "its bytes are not those of a run that was never stopped."
    ]
    assert json.loads(path.read_text()) == before


def test_names_of_pictures_are_not_kept_in_a_run(
    tiny_recipe: Path, tiny_images: Path, tmp_path: Path, components: Components
) -> None:
    path = stopped_run(tiny_recipe, tmp_path / "runs", components).path
    first = next(path for path in sorted(tiny_images.rglob("*.png")))
    secret = first.with_name("Erika_Mustermann.png")
    secret.write_bytes(b"no picture")
    with pytest.raises(DataError, match="Erika_Mustermann"):
        resume(path, components, Listener(), CPU)
    assert not [file for file in path.rglob("*") if file.is_file() and b"Mustermann" in file.read_bytes()]
    assert RunDir(path).read_state()["error"] == "DataError"


@pytest.mark.parametrize("state", ["{}", '{"classes": 5}', '{"classes": []}', "[]"])
def test_a_damaged_run_state_is_named(state: str, tiny_recipe: Path, tmp_path: Path, components: Components) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    (stopped.path / "run.json").write_text(state)
    with pytest.raises(CheckpointError, match="it doesn't name the classes of the run"):
        load_generator(stopped.path, components, CPU, Listener())


def test_a_checkpoint_of_another_recipe_is_refused(tiny_recipe: Path, tmp_path: Path, components: Components) -> None:
    stopped = stopped_run(tiny_recipe, tmp_path / "runs", components)
    (newest,) = list_checkpoints(stopped.checkpoints)[-1:]
    state = json.loads((newest / "state.json").read_text())
    write_text(newest / "state.json", json.dumps({**state, "recipe": "another"}))
    manifest = json.loads((newest / "manifest.json").read_text())
    write_text(newest / "manifest.json", json.dumps({**manifest, "state.json": sha256_of(newest / "state.json")}))
    with pytest.raises(CheckpointError, match="belongs to another recipe"):
        resume(stopped.path, components, Listener(), CPU)


def test_weights_that_are_not_finite_are_never_sampled(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    loaded = load_recipe(tiny_recipe, [f"output.folder={tmp_path / 'runs'}"], components)
    finished = run(loaded, Listener(), CPU)
    (newest,) = list_checkpoints(finished.checkpoints)[-1:]
    average = load_tensors(newest / "generator_average.safetensors")
    average["fc.weight"][0] = float("nan")
    save_tensors(newest / "generator_average.safetensors", average)
    manifest = {path.name: sha256_of(path) for path in newest.iterdir() if path.name != "manifest.json"}
    write_text(newest / "manifest.json", json.dumps(manifest))
    with pytest.raises(CheckpointError, match=r"holds numbers that are not finite in fc\.weight"):
        load_generator(finished.path, components, CPU, Listener())


def test_an_empty_path_does_not_mean_this_folder(tiny_recipe: Path, components: Components) -> None:
    with pytest.raises(RecipeError, match=r"^data\.root: must be a path, not ''\."):
        load_recipe(tiny_recipe, ["data.root="], components)


def test_known_keys_are_those_that_recipes_write(tiny_recipe: Path, components: Components) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(tiny_recipe, ["data.rooot=3"], components)
    assert "Known keys: classes, fit, frame, kind, patient, root, window." in str(caught.value)


class FillsMemory(Listener):
    """Stands for a network that is too large: raises as torch does, once some steps are done."""

    def __init__(self, step: int, error: Exception | None = None) -> None:
        self.last = step
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def step(self, report: StepReport) -> None:
        if report.step == self.last:
            raise self.error


@pytest.mark.parametrize(
    "text",
    [
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory",
        "upsample_bilinear2d_nhwc only supports output tensors with less than INT_MAX elements, but got [9, 9, 9, 9]",
    ],
)
def test_a_batch_that_torch_can_not_hold_is_one_to_compute_in_parts(
    text: str, tiny_recipe: Path, components: Components
) -> None:
    loaded = load_recipe(tiny_recipe, ["training.batch=4"], components)
    with pytest.raises(MemoryLimitError, match=r"training\.microbatch=2"):
        run(loaded, FillsMemory(1, RuntimeError(text)), CPU)


def test_a_full_memory_says_how_the_same_batch_needs_less(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    folder = tmp_path / "my runs"
    overrides = [f"output.folder={folder}", "output.checkpoints_every=2", "training.batch=4"]
    loaded = load_recipe(tiny_recipe, overrides, components)
    for step, again in ((1, "ganforge run RECIPE"), (3, f"ganforge resume '{folder / '00001-tiny'}'")):
        with pytest.raises(MemoryLimitError) as caught:
            run(loaded, FillsMemory(step), CPU)
        assert str(caught.value) == (
            f"out of memory with 4 images of 16 px at once. The same batch of 4 in smaller parts: {again} "
            "training.microbatch=2"
        )
        assert caught.value.exit_code == 6
    new = branch(folder / "00001-tiny", "newest", ["training.microbatch=2"], components)
    resume(new.path, components, Listener(), CPU)
    assert new.read_state()["state"] == "finished"
    alone = load_recipe(tiny_recipe, [*overrides, "training.microbatch=1"], components)
    with pytest.raises(MemoryLimitError, match=r"at once: only a smaller network, or a smaller resolution, needs less"):
        run(alone, FillsMemory(1), CPU)
