"""The spine: from a recipe to a trained generator with scores, in one straight line."""

from __future__ import annotations

import platform
import time
from contextlib import nullcontext, suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from ganforge.cache import cache_folder
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.split import train_and_held_out
from ganforge.errors import CheckpointError, DataError, RecipeError
from ganforge.evaluation.checks import preflight as preflight_evaluators
from ganforge.evaluation.evaluation import Evaluation, reference_of
from ganforge.files import read_json, write_json, write_text
from ganforge.freeze.policy import freeze_table
from ganforge.listener import Listener
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
from ganforge.runs.checkpoint import Checkpoint, list_checkpoints, load_best, load_newest, load_step
from ganforge.runs.faults import for_user
from ganforge.runs.rundir import RunDir
from ganforge.runs.space import expect_space, writing_to
from ganforge.runs.stop import Stops
from ganforge.start import build_networks, fetch_source, load_pretrained
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


def resume(
    path: Path,
    components: Components,
    listener: Listener,
    device: torch.device,
    stop_after: float | None = None,
    processes: Processes = ALONE,
) -> RunDir:
    """Continue a run from its newest checkpoint that verifies; a finished run is left as it is. Raises as `run`."""
    run_dir = RunDir.open(path)
    loaded = load_recipe(run_dir.recipe, (), components)
    state = run_dir.read_state()
    if state.get("recipe") != recipe_hash(loaded.recipe):
        raise CheckpointError(f"{run_dir.recipe} was changed since the run began; a resumed run would not be the same.")
    if state.get("state") == "finished":
        listener.finished(run_dir.path, 0.0)
        return run_dir
    _expect_shares(loaded, processes)
    if not list_checkpoints(run_dir.checkpoints):
        listener.warning("the run stopped before its first checkpoint, so it begins again.")
    elif state.get("processes", 1) != processes.size:
        listener.warning(
            f"the run was computed by {_counted(state.get('processes', 1))} and goes on with {processes.size}: from "
            "here on its numbers agree with those of a run that was not stopped up to rounding, no longer to the bit."
        )
    return _continue(plan_recipe(loaded, tuple(state["classes"])), run_dir, listener, device, stop_after, processes)


def _counted(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


def _continue(
    plan: Plan,
    run_dir: RunDir,
    listener: Listener,
    device: torch.device,
    stop_after: float | None,
    processes: Processes,
) -> RunDir:
    with (
        writing_to(run_dir.path),
        run_dir.locked() if processes.is_first else nullcontext(),
        Stops(stop_after, for_good=processes.size > 1) as stops,
    ):
        if processes.is_first:
            run_dir.sweep()
            run_dir.write_state(state="running", error=None, **_launch(processes))
        return _train_and_evaluate(plan, run_dir, listener, device, stops, processes)


def _train_and_evaluate(
    plan: Plan, run_dir: RunDir, listener: Listener, device: torch.device, stops: Stops, processes: Processes
) -> RunDir:
    started = time.monotonic()
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
            trainer.restore(_newest(run_dir, listener, processes))
        else:
            trainer.begin()
        trainer.fit()
        processes.from_first(lambda: _evaluate(plan, trainer, evaluation, run_dir, listener, device))
    except BaseException as error:
        told = for_user(error, plan.recipe, run_dir, processes, on_cpu=device.type == "cpu")
        # what is wrong with the data names files, and with them patients
        reason = "" if isinstance(told, DataError) else str(told)
        if processes.is_first:
            with suppress(OSError):  # the disk may be full
                run_dir.write_state(state="stopped", error=reason or type(told).__name__)
        if told is error:
            raise
        raise told from error
    if processes.is_first:
        run_dir.write_state(state="finished")
    listener.finished(run_dir.path, time.monotonic() - started)
    return run_dir


def _newest(run_dir: RunDir, listener: Listener, processes: Processes) -> Checkpoint:
    """The newest checkpoint that verifies, the same on all processes; the first one sets damaged ones aside."""
    found: list[Checkpoint] = []

    def load() -> int:
        checkpoint, rejected = load_newest(run_dir.checkpoints, set_aside=True)
        for reason in rejected:
            listener.warning(reason)
        found.append(checkpoint)
        return checkpoint.step

    step = processes.from_first(load)
    return found[0] if found else load_step(run_dir.checkpoints, step)


def _evaluate(
    plan: Plan, trainer: Trainer, evaluation: Evaluation, run_dir: RunDir, listener: Listener, device: torch.device
) -> None:
    """Write the scores of the best generator, or of the newest where none was measured."""
    chosen, chosen_at = trainer.average.network, None
    if trainer.best is not None:
        checkpoint, rejected = load_best(run_dir.checkpoints)
        for reason in rejected:
            listener.warning(reason)
        chosen, chosen_at = _generator_of(plan, checkpoint).to(device), checkpoint.step
    scores = evaluation.scores(chosen, chosen_at)
    write_json(run_dir.path / "scores.json", [score.as_dict() for score in scores])


def load_data(plan: Plan, run_dir: RunDir, listener: Listener) -> tuple[LabelledImages, LabelledImages]:
    """Images to train on and images that are held out.

    Writes data.json. Raises DataError where it is there and describes other images.
    """
    recipe = plan.recipe
    context = LoadContext(cache_folder(), progress=listener.progress, warn=listener.warning)
    images = recipe.data.load(recipe.resolution, context)
    if images.labels.size and images.labels.max() >= len(plan.classes):
        raise DataError(f"a label is {images.labels.max()}, but there are only {len(plan.classes)} classes.")
    split = recipe.split
    indices = train_and_held_out(images.labels, images.groups, split.held_out, split.seed, split.train)
    train, held_out = (images.subset(index) for index in indices)
    empty = [name for name, count in zip(plan.classes, train.class_counts(), strict=True) if count == 0]
    if empty and plan.generator.labels:
        names = ", ".join(repr(name) for name in empty)
        raise DataError(
            f"no image to train on has the class {names}. Where there are some, split.seed=N or a smaller "
            f"split.held_out may bring them back; else train without labels."
        )
    record = run_dir.path / "data.json"
    if not record.exists():
        counts = {"train": train.class_counts(), "held_out": held_out.class_counts()}
        write_json(record, {"card": asdict(images.card), "images": counts})
    elif read_json(record, CheckpointError)["card"]["fingerprint"] != images.card.fingerprint:
        raise DataError(
            f"the images of {images.card.name} are not those that {run_dir.path} began with. "
            "Put them back as they were, or start a new run."
        )
    listener.data(train, held_out)
    return train, held_out


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
    checkpoint, rejected = load_best(run_dir.checkpoints)
    for reason in rejected:
        listener.warning(reason)
    listener.note(f"the generator of step {checkpoint.step:,}")
    return _generator_of(plan, checkpoint).to(device), plan


def _generator_of(plan: Plan, checkpoint: Checkpoint) -> Generator:
    generator = build_network(plan.generator, 0)
    assert isinstance(generator, Generator)
    load_strict("generator", generator, checkpoint.tensors["generator_average"], LoadRules())
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
