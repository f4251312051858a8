"""The spine: from a recipe to a trained generator with scores, in one straight line."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from ganforge.concluding import report, score_chosen
from ganforge.data.images import LabelledImages
from ganforge.environment import environment, note_other_environment
from ganforge.errors import CheckpointError, DataError, GanforgeError, OutputError, ProcessError
from ganforge.evaluation.evaluation import Evaluation, reference_of
from ganforge.files import write_json, write_text
from ganforge.listener import Listener
from ganforge.loading import load_data
from ganforge.opening import load_recipe_of
from ganforge.plan.plan import Plan
from ganforge.planning import freeze_tables, plan_recipe, preflight
from ganforge.processes.group import ALONE, Processes, batch_problem
from ganforge.processes.join import launch_id
from ganforge.processes.stop import RunStopped, Stops
from ganforge.recipe.dump import dump_recipe, recipe_hash
from ganforge.recipe.load import LoadedRecipe
from ganforge.recipe.providers import versions_of
from ganforge.registry import Components
from ganforge.runs.checkpoint import (
    REPLACED,
    Checkpoint,
    list_checkpoints,
    load_newest,
    load_step,
    no_checkpoint,
    prune_checkpoints,
    put_back,
)
from ganforge.runs.faults import for_user
from ganforge.runs.rundir import RunDir
from ganforge.runs.space import expect_space, writing_to
from ganforge.start import build_networks, fetch_source, load_pretrained
from ganforge.tracking.listener import tracked
from ganforge.training.trainer import Trainer


def run(
    loaded: LoadedRecipe,
    listener: Listener,
    device: torch.device,
    stop_after: float | None = None,
    processes: Processes = ALONE,
) -> RunDir:
    """Do what the recipe says, in a new run folder. Raises GanforgeError; the folder then says so in run.json.

    Raises RunStopped, with all steps saved, at a signal (see `ganforge.processes.stop`) or after `stop_after` seconds.
    processes: all of which call this with the same recipe; the first one writes, and tells its listener.
    """
    plan = plan_recipe(loaded)
    _expect_shares(loaded, processes)
    run_dir = RunDir(Path(processes.from_first(lambda: str(_new_folder(plan, loaded, device, processes).path))))
    try:
        return _continue(plan, loaded.components, run_dir, listener, device, stop_after, processes)
    except (ProcessError, OutputError):  # which say how to go on in this folder
        raise
    except GanforgeError:
        if processes.is_first and run_dir.remove_unused():
            listener.note(f"{run_dir.path} held nothing of a training and was removed.")
        raise


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
            plugins=loaded.plugins,
            **_launch(processes),
        )
        plugins = versions_of(loaded.recipe, loaded.components)
        write_json(run_dir.path / "environment.json", environment(device, processes.size, plugins))
        write_json(run_dir.path / "freeze.json", freeze_tables(plan))
    return run_dir


def _launch(processes: Processes) -> dict[str, Any]:
    """How the run is computed now, as run.json has it."""
    launch = launch_id()
    return {"processes": processes.size, **({"launch": launch} if launch else {})}


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

    Raises CheckpointError for a finished run whose checkpoints are gone.

    overrides: other trackers; see `ganforge.continuing.is_same_run`.
    """
    run_dir = RunDir.open(path)
    loaded = load_recipe_of(run_dir, overrides, components)
    state = run_dir.read_state()
    if state.get("recipe") != recipe_hash(loaded.recipe):
        raise CheckpointError(f"{run_dir.recipe} was changed since the run began; a resumed run would not be the same.")
    is_bare = not list_checkpoints(run_dir.checkpoints) and not any(run_dir.checkpoints.glob(f"*{REPLACED}"))
    if state.get("state") == "finished":
        if is_bare:
            raise no_checkpoint(run_dir.checkpoints)
        listener.finished(run_dir.path, 0.0)
        return run_dir
    _expect_shares(loaded, processes)
    if is_bare:
        _expect_no_progress(run_dir, loaded.recipe.output.checkpoints_every)
        listener.warning("the run stopped before its first checkpoint, so it begins again.")
    plan = plan_recipe(loaded, tuple(state["classes"]))
    return _continue(plan, components, run_dir, listener, device, stop_after, processes, is_changed=bool(overrides))


def _expect_no_progress(run_dir: RunDir, every: int) -> None:
    """Raise CheckpointError where checkpoints were written and are gone: to begin again would overwrite the run."""
    if any(row["step"] >= every for row in run_dir.read_metrics()):
        raise CheckpointError(
            f"{run_dir.path} came past its first checkpoint, but {run_dir.checkpoints} holds none. Put them back (is a "
            "disk missing?), or begin a new run."
        )


def _continue(
    plan: Plan,
    components: Components,
    run_dir: RunDir,
    listener: Listener,
    device: torch.device,
    stop_after: float | None,
    processes: Processes,
    *,
    is_changed: bool = False,
) -> RunDir:
    """is_changed: the plan's recipe is another than the folder holds."""
    is_alone = processes.size == 1
    noted = listener.stopping if is_alone else None
    with _naming(run_dir), writing_to(run_dir.path), Stops(stop_after, for_good=not is_alone, noted=noted) as stops:
        if not processes.is_first:
            return _train_and_evaluate(plan, components, run_dir, listener, device, stops, processes)
        with run_dir.locked(listener.warning):
            run_dir.sweep()
            put_back(run_dir.checkpoints)
            if is_changed:
                write_text(run_dir.recipe, dump_recipe(plan.recipe))
            plugins = versions_of(plan.recipe, components)
            note_other_environment(run_dir, environment(device, processes.size, plugins), listener)
            run_dir.write_state(state="running", error=None, **_launch(processes))
            with tracked(plan, run_dir, listener) as told:
                return _train_and_evaluate(plan, components, run_dir, told, device, stops, processes)


@contextmanager
def _naming(run_dir: RunDir) -> Iterator[None]:
    """Say in what stops the run which one that is."""
    try:
        yield
    except RunStopped as stopped:
        stopped.path = run_dir.path
        raise


def _train_and_evaluate(
    plan: Plan,
    components: Components,
    run_dir: RunDir,
    listener: Listener,
    device: torch.device,
    stops: Stops,
    processes: Processes,
) -> RunDir:
    started = time.monotonic()
    train: LabelledImages | None = None
    try:
        listener.planned(plan, run_dir.path)
        if before := _spent_before(run_dir):
            listener.spent_before(before)
        # none: stopped before the first was whole
        is_resumed = processes.from_first(lambda: bool(list_checkpoints(run_dir.checkpoints)))
        pretrained = fetch_source(plan, listener) if processes.is_first and not is_resumed else None
        train, held_out = processes.in_order(lambda: load_data(plan, run_dir, listener))
        generator, discriminator = build_networks(plan)
        if pretrained is not None:
            load_pretrained(plan, pretrained, generator, discriminator, train, run_dir, listener)
        reference = reference_of(plan.recipe, train, held_out)
        evaluation = Evaluation(plan.recipe, reference, listener, components, processes, stops)
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
        chosen, chosen_at = score_chosen(plan, trainer, evaluation, run_dir, listener, processes)
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
        report(run_dir, chosen, chosen_at or trainer.step, plan, listener)
        run_dir.write_state(state="finished")
    listener.finished(run_dir.path, time.monotonic() - started)
    return run_dir


def _spent(run_dir: RunDir, started: float) -> float:
    """Seconds of the run so far, without those of a process that was killed."""
    return round(_spent_before(run_dir) + time.monotonic() - started, 1)


def _spent_before(run_dir: RunDir) -> float:
    before = run_dir.read_state().get("seconds")
    return before if isinstance(before, int | float) else 0.0


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
