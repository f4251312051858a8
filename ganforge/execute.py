"""The spine: from a recipe to a trained generator with scores, in one straight line."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ganforge.data.images import LabelledImages
from ganforge.data.quarantine import write_quarantine
from ganforge.data.split import num_shared, split_images
from ganforge.errors import CheckpointError, DataError, GanforgeError, RecipeError
from ganforge.evaluation.checks import preflight as preflight_evaluators
from ganforge.evaluation.evaluation import Evaluation, reference_of
from ganforge.files import read_json, write_json, write_text
from ganforge.freeze.policy import freeze_table
from ganforge.listener import Listener
from ganforge.loading import load_context
from ganforge.networks.staged import Generator
from ganforge.plan.build import build_network
from ganforge.plan.plan import NETWORKS, Plan
from ganforge.plan.walk import walk
from ganforge.processes.group import ALONE, Processes, batch_problem
from ganforge.processes.join import launch_id, restarts
from ganforge.recipe.dump import dump_recipe, recipe_hash
from ganforge.recipe.load import LoadedRecipe, load_recipe
from ganforge.recipe.models import LoadRules, Recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import (
    Checkpoint,
    list_checkpoints,
    load_best,
    load_newest,
    load_step,
    prune_checkpoints,
)
from ganforge.runs.faults import for_user
from ganforge.runs.rundir import RunDir
from ganforge.runs.space import expect_space, writing_to
from ganforge.runs.stop import Stops
from ganforge.start import build_networks, fetch_source, load_pretrained
from ganforge.tracking.listener import tracked
from ganforge.training.trainer import Trainer
from ganforge.weights.load import load_strict


def plan_recipe(loaded: LoadedRecipe, classes: tuple[str, ...] = ()) -> Plan:
    """Walk a loaded recipe. Raises RecipeError whose problems have file, line and column."""
    try:
        return walk(loaded.recipe, classes)
    except RecipeError as error:
        raise loaded.error(error.problems) from error


def preflight(recipe: Recipe) -> None:
    """Raise GanforgeError for what would fail later: files, folders and packages that the recipe needs and lacks."""
    recipe.data.preflight()
    if recipe.source is not None:
        recipe.source.preflight()
    if recipe.discriminator.features is not None:
        recipe.discriminator.features.network.preflight()
    preflight_evaluators(recipe.evaluation.evaluators)
    for tracker in recipe.output.trackers:
        tracker.preflight()


def run(
    loaded: LoadedRecipe,
    listener: Listener,
    device: torch.device,
    stop_after: float | None = None,
    processes: Processes = ALONE,
) -> RunDir:
    """Do what the recipe says, in a new run folder. Raises GanforgeError; the folder then says so in run.json.

    Raises RunStopped, with all steps saved, at a signal (see `ganforge.runs.stop`) or after `stop_after` seconds.
    processes: all of which call this with the same recipe; the first one writes, and tells its listener.
    """
    plan = plan_recipe(loaded)
    _expect_shares(loaded, processes)
    path = processes.from_first(lambda: str(_new_folder(plan, loaded, device, processes).path))
    return _continue(plan, RunDir(Path(path)), listener, device, stop_after, processes)


def _expect_shares(loaded: LoadedRecipe, processes: Processes) -> None:
    problem = batch_problem(loaded.recipe.training.batch, processes.size)
    if problem is not None:
        raise loaded.error((problem,))


def _new_folder(plan: Plan, loaded: LoadedRecipe, device: torch.device, processes: Processes) -> RunDir:
    preflight(loaded.recipe)
    expect_space(plan, loaded.recipe.output.folder)
    run_dir = RunDir.create(loaded.recipe.output.folder, loaded.recipe.name)
    with writing_to(run_dir.path):
        write_text(run_dir.recipe, dump_recipe(loaded.recipe))
        run_dir.write_state(
            state="running",
            recipe=recipe_hash(loaded.recipe),
            recipe_file=loaded.file.name,
            overrides=list(loaded.overrides),
            classes=list(plan.classes),
            is_phantom=loaded.recipe.data.is_phantom,
            **_launch(processes),
        )
        write_json(run_dir.path / "environment.json", environment(device, processes.size))
        write_json(run_dir.path / "freeze.json", freeze_tables(plan))
    return run_dir


def _launch(processes: Processes) -> dict[str, Any]:
    """How the run is computed now, as run.json has it."""
    launch = launch_id()
    return {"processes": processes.size, **({"launch": launch} if launch else {})}


def find_run(loaded: LoadedRecipe) -> Path | None:
    """The newest run of this recipe in its output folder, finished or not; None if there is none.

    One that began at the checkpoint of another is none of this recipe, and one that can't be read neither.
    """
    wanted = recipe_hash(loaded.recipe)
    found = sorted(loaded.recipe.output.folder.glob(f"[0-9]*-{loaded.recipe.name}"), reverse=True)
    for path in found:
        with suppress(CheckpointError):
            state = RunDir.open(path).read_state()
            if state.get("recipe") == wanted and "begun_from" not in state:
                return path
    return None


def find_restarted(folder: Path) -> Path | None:
    """The run in the folder that this launch worked on before its processes were started again, if they were."""
    if restarts():
        for path in sorted(folder.glob("[0-9]*-*"), reverse=True):
            with suppress(CheckpointError):
                if RunDir.open(path).read_state().get("launch") == launch_id():
                    return path
    return None


def is_same_run(path: Path, overrides: Sequence[str], components: Components) -> bool:
    """Whether the changes leave the run what it is: they choose trackers, and nothing else."""
    run_dir = RunDir.open(path)
    changed = load_recipe(run_dir.recipe, overrides, components).recipe
    return run_dir.read_state().get("recipe") == recipe_hash(changed)


def resume(
    path: Path,
    components: Components,
    listener: Listener,
    device: torch.device,
    stop_after: float | None = None,
    overrides: Sequence[str] = (),
    processes: Processes = ALONE,
) -> RunDir:
    """Continue a run from its newest checkpoint that verifies; a finished run is left as it is. Raises as `run`.

    overrides: other trackers; see `is_same_run`.
    """
    run_dir = RunDir.open(path)
    loaded = load_recipe(run_dir.recipe, overrides, components)
    state = run_dir.read_state()
    if state.get("recipe") != recipe_hash(loaded.recipe):
        raise CheckpointError(f"{run_dir.recipe} was changed since the run began; a resumed run would not be the same.")
    if state.get("state") == "finished":
        listener.finished(run_dir.path, 0.0)
        return run_dir
    _expect_shares(loaded, processes)
    if not list_checkpoints(run_dir.checkpoints):
        _expect_no_progress(run_dir, loaded.recipe.output.checkpoints_every)
        listener.warning("the run stopped before its first checkpoint, so it begins again.")
    if overrides and processes.is_first:
        write_text(run_dir.recipe, dump_recipe(loaded.recipe))
    return _continue(plan_recipe(loaded, tuple(state["classes"])), run_dir, listener, device, stop_after, processes)


def _expect_no_progress(run_dir: RunDir, every: int) -> None:
    """Raise CheckpointError where checkpoints were written and are gone: to begin again would overwrite the run."""
    if any(row["step"] >= every for row in run_dir.read_metrics()):
        raise CheckpointError(
            f"{run_dir.path} came past its first checkpoint, but {run_dir.checkpoints} holds none. Put them back (is a "
            "disk missing?), or begin a new run."
        )


def _continue(
    plan: Plan,
    run_dir: RunDir,
    listener: Listener,
    device: torch.device,
    stop_after: float | None,
    processes: Processes,
) -> RunDir:
    with writing_to(run_dir.path), Stops(stop_after, for_good=processes.size > 1) as stops:
        if not processes.is_first:
            return _train_and_evaluate(plan, run_dir, listener, device, stops, processes)
        with run_dir.locked(listener.warning):
            run_dir.sweep()
            _note_other_environment(run_dir, environment(device, processes.size), listener)
            run_dir.write_state(state="running", error=None, **_launch(processes))
            with tracked(plan, run_dir, listener) as told:
                return _train_and_evaluate(plan, run_dir, told, device, stops, processes)


def _note_other_environment(run_dir: RunDir, found: dict[str, str | int], listener: Listener) -> None:
    """Warn where a resumed run is no longer computed as it began, and record how it is now."""
    path = run_dir.path / "environment.json"
    before = read_json(path, CheckpointError) if path.exists() else found
    if not isinstance(before, dict):
        raise CheckpointError(f"{path} is damaged: it says nothing of the environment.")
    before = {"processes": 1, **before}  # runs of earlier versions don't say so
    changed = [f"{name} {before.get(name)}, now {value}" for name, value in found.items() if before.get(name) != value]
    if changed:
        listener.warning(
            f"the run began with {'; '.join(changed)}: from here on its bytes are not those of a run that was never "
            "stopped."
        )
        write_json(path, found)


def _train_and_evaluate(
    plan: Plan, run_dir: RunDir, listener: Listener, device: torch.device, stops: Stops, processes: Processes
) -> RunDir:
    started = time.monotonic()
    train: LabelledImages | None = None
    try:
        listener.planned(plan, run_dir.path)
        # none: stopped before the first was whole
        is_resumed = processes.from_first(lambda: bool(list_checkpoints(run_dir.checkpoints)))
        pretrained = fetch_source(plan, listener) if processes.is_first and not is_resumed else None
        train, held_out = processes.in_order(lambda: load_data(plan, run_dir, listener))
        generator, discriminator = build_networks(plan)
        if pretrained is not None:
            load_pretrained(plan, pretrained, generator, discriminator, train, run_dir, listener)
        evaluation = Evaluation(plan.recipe, reference_of(plan.recipe, train, held_out), listener)
        measure = evaluation.deciding_score if plan.recipe.evaluation.best is not None else None
        trainer = Trainer(
            plan,
            recipe_hash(plan.recipe),
            train,
            generator,
            discriminator,
            run_dir,
            listener,
            device,
            measure,
            stops,
            processes,
        )
        if is_resumed:
            trainer.restore(_newest(plan, run_dir, listener, processes))
        else:
            trainer.begin()
        trainer.fit()
        chosen, chosen_at = trainer.average.network, None
        if processes.is_first:
            chosen, chosen_at = _evaluate(plan, trainer, evaluation, run_dir, listener, device)
        processes.wait_for_first()
    except BaseException as error:
        told = for_user(error, plan.recipe, run_dir, processes, on_cpu=device.type == "cpu")
        # what is wrong with the data names files, and with them patients; so may what ended the loading of images
        names_files = isinstance(told, DataError) or (train is None and not isinstance(error, GanforgeError))
        reason = "" if names_files else str(told)
        if processes.is_first:
            state = {"state": "stopped", "error": reason or type(told).__name__}
            with suppress(OSError):  # the disk may be full
                run_dir.write_state(**state, seconds=_spent(run_dir, started))
        if told is error:
            raise
        raise told from error
    if processes.is_first:
        # a run whose page is half written is not finished: killed here, it is resumed and swept
        run_dir.write_state(seconds=_spent(run_dir, started))
        _report(run_dir, chosen, chosen_at or trainer.step, plan, listener)
        run_dir.write_state(state="finished")
    listener.finished(run_dir.path, time.monotonic() - started)
    return run_dir


def _spent(run_dir: RunDir, started: float) -> float:
    """Seconds of the run so far, without those of a process that was killed."""
    before = run_dir.read_state().get("seconds")
    return round((before if isinstance(before, int | float) else 0) + time.monotonic() - started, 1)


def _report(run_dir: RunDir, generator: Generator, step: int, plan: Plan, listener: Listener) -> None:
    """Write report.html, which already says that the run is finished: whatever goes wrong now is a warning."""
    try:
        from ganforge.report.finishing import report_finished

        listener.wrote("report", report_finished(run_dir.path, generator, step, plan))
    except KeyboardInterrupt:
        listener.warning(f"stopped before report.html was written; `ganforge report {run_dir.path}` writes it.")
    except Exception as error:
        reason = str(error) or type(error).__name__
        listener.warning(f"no report was written, `ganforge report {run_dir.path}` tries again: {reason}")


def _newest(plan: Plan, run_dir: RunDir, listener: Listener, processes: Processes) -> Checkpoint:
    """The newest checkpoint that verifies, the same on all processes; the first one sets damaged ones aside."""
    found: list[Checkpoint] = []

    def load() -> int:
        checkpoint, rejected = load_newest(run_dir.checkpoints, set_aside=True)
        for reason in rejected:
            listener.warning(reason)
        prune_checkpoints(run_dir.checkpoints, every=plan.recipe.output.checkpoints_every)
        found.append(checkpoint)
        return checkpoint.step

    step = processes.from_first(load)
    return found[0] if found else load_step(run_dir.checkpoints, step)


def _evaluate(
    plan: Plan, trainer: Trainer, evaluation: Evaluation, run_dir: RunDir, listener: Listener, device: torch.device
) -> tuple[Generator, int | None]:
    """The best generator and its step, or the newest where none was measured; writes scores.json."""
    chosen, chosen_at = trainer.average.network, None
    if trainer.best is not None:
        checkpoint, rejected = load_best(run_dir.checkpoints)
        for reason in rejected:
            listener.warning(reason)
        chosen, chosen_at = generator_of(plan, checkpoint).to(device), checkpoint.step
    scores = evaluation.scores(chosen, chosen_at)
    write_json(run_dir.path / "scores.json", [score.as_dict() for score in scores])
    return chosen, chosen_at


def load_data(plan: Plan, run_dir: RunDir, listener: Listener) -> tuple[LabelledImages, LabelledImages]:
    """Images to train on and images that are held out.

    Writes data.json, and quarantine.csv where images were left out. Raises DataError where data.json is there and
    describes other images.
    """
    recipe = plan.recipe
    images = recipe.data.load(recipe.resolution, load_context(recipe.bad_images, listener))
    if images.labels.size and images.labels.max() >= len(plan.classes):
        raise DataError(f"a label is {images.labels.max()}, but there are only {len(plan.classes)} classes.")
    indices = split_images(images, recipe.split)
    train, held_out = (images.subset(index) for index in indices)
    if images.sides is not None:
        listener.note("the split is that of the set; split.held_out has no effect.")
    if shared := num_shared(train, held_out):
        listener.warning(
            f"{shared} of {len(held_out)} held-out images have the pixels of one that is trained on, "
            "so scores will be too good; `ganforge data check` names them."
        )
    empty = [name for name, count in zip(plan.classes, train.class_counts(), strict=True) if count == 0]
    if empty and plan.generator.labels:
        names = ", ".join(repr(name) for name in empty)
        raise DataError(
            f"no image to train on has the class {names}. Where there are some, split.seed=N or a smaller "
            f"split.held_out may bring them back; else train without labels."
        )
    record = run_dir.path / "data.json"
    if not record.exists():
        if images.left_out:
            write_quarantine(run_dir.quarantine, images.left_out)
            listener.note(f"what was left out, and why: {run_dir.quarantine}")
        counts = {"train": train.class_counts(), "held_out": held_out.class_counts(), "left_out": len(images.left_out)}
        write_json(record, {"card": asdict(images.card), "images": counts})
    elif _recorded_fingerprint(record) != images.card.fingerprint:
        raise DataError(
            f"the images of {images.card.name} are not those that {run_dir.path} began with. "
            "Put them back as they were, or start a new run."
        )
    listener.data(train, held_out)
    return train, held_out


def _recorded_fingerprint(record: Path) -> str:
    try:
        return str(read_json(record, CheckpointError)["card"]["fingerprint"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{record} is damaged: it doesn't say which images the run began with.") from error


def open_run(path: Path, components: Components) -> tuple[Plan, RunDir]:
    """What a run was asked to do, and its folder. Raises CheckpointError where there is none."""
    run_dir = RunDir.open(path)
    loaded = load_recipe(run_dir.recipe, (), components)
    return plan_recipe(loaded, tuple(run_dir.read_state()["classes"])), run_dir


def load_generator(
    path: Path, components: Components, device: torch.device, listener: Listener
) -> tuple[Generator, Plan]:
    """The moving average of a run's generator, from its best checkpoint if it keeps one, else from its newest.

    Warns of checkpoints that would have been taken and don't verify.
    """
    plan, run_dir = open_run(path, components)
    checkpoint = best_checkpoint(run_dir, listener)
    return generator_of(plan, checkpoint).to(device), plan


def best_checkpoint(run_dir: RunDir, listener: Listener) -> Checkpoint:
    """The best checkpoint of a run, or its newest; warns as `load_generator`, and says which it is."""
    checkpoint, rejected = load_best(run_dir.checkpoints)
    for reason in rejected:
        listener.warning(reason)
    listener.note(f"the generator of step {checkpoint.step:,}")
    return checkpoint


def generator_of(plan: Plan, checkpoint: Checkpoint) -> Generator:
    """The moving average of the generator in a checkpoint of the plan's run."""
    generator = build_network(plan.generator, 0)
    assert isinstance(generator, Generator)
    load_strict("generator", generator, checkpoint.tensors_of("generator_average"), LoadRules())
    return generator.eval()


def freeze_tables(plan: Plan) -> dict[str, list[dict[str, object]]]:
    """Stage -> one row for each block of both networks."""
    tables: dict[str, list[dict[str, object]]] = {}
    for index, stage in enumerate(plan.recipe.stages):
        rows = [
            row
            for name in NETWORKS
            for row in freeze_table(name, plan.network(name).trains[index], plan.network(name).sizes)
        ]
        tables[stage.name] = [row._asdict() for row in rows]
    return tables


def environment(device: torch.device, processes: int = 1) -> dict[str, str | int]:
    """What the numbers of a run depend on besides its recipe."""
    packages = ("ganforge", "torch", "numpy", "pillow")
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": platform.machine(),
        "device": str(device),
        "threads": torch.get_num_threads(),
        "processes": processes,
        **{name: version(name) for name in packages},
    }
