"""What was trained: the run of a recipe, and a generator from wherever it lies."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch

from ganforge.card import card_of_run
from ganforge.errors import CheckpointError, RecipeError
from ganforge.files import is_file
from ganforge.freeze.schedule import Schedule
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.plan.build import build_network
from ganforge.plan.plan import Plan
from ganforge.planning import plan_recipe
from ganforge.processes.join import launch_id, restarts
from ganforge.recipe.dump import recipe_hash
from ganforge.recipe.load import LoadedRecipe, load_recipe
from ganforge.recipe.models import LoadRules
from ganforge.recipe.providers import lost_plugins
from ganforge.registry import Components
from ganforge.runs.checkpoint import AVERAGE, Checkpoint, list_checkpoints, load_best, load_checkpoint, step_of
from ganforge.runs.rundir import RunDir, expect_there, is_run
from ganforge.trained import Trained
from ganforge.weights.load import load_strict


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


def load_recipe_of(run_dir: RunDir, overrides: Sequence[str], components: Components) -> LoadedRecipe:
    """The recipe of a run, changed by overrides. Raises RecipeError, also with the plugins that are missing here."""
    try:
        return load_recipe(run_dir.recipe, overrides, components)
    except RecipeError as error:
        lost = lost_plugins(run_dir.read_state().get("plugins"), components)
        raise RecipeError([*error.problems, *lost]) if lost else error from None


def open_run(path: Path, components: Components) -> tuple[Plan, RunDir]:
    """What a run was asked to do, and its folder. Raises CheckpointError where there is none."""
    run_dir = RunDir.open(path)
    loaded = load_recipe_of(run_dir, (), components)
    return plan_recipe(loaded, tuple(run_dir.read_state()["classes"])), run_dir


def load_generator(
    path: Path, components: Components, device: torch.device, listener: Listener
) -> tuple[Generator, Plan]:
    """The moving average of a run's generator, from its best checkpoint if it keeps one, else from its newest.

    Warns of checkpoints that would have been taken and don't verify, or are gone.
    """
    plan, run_dir = open_run(path, components)
    checkpoint = best_checkpoint(plan, run_dir, listener)
    return generator_of(plan, checkpoint).to(device), plan


def best_checkpoint(plan: Plan, run_dir: RunDir, listener: Listener) -> Checkpoint:
    """The best checkpoint of a run, or its newest, with the moving average alone; warns as `load_generator`.

    Says which it is.
    """
    checkpoint, rejected = load_best(run_dir.checkpoints, [AVERAGE])
    for reason in rejected:
        listener.warning(reason)
    num_steps = Schedule(plan.recipe.stages).num_steps
    if (
        run_dir.read_state().get("state") == "finished"
        and step_of(list_checkpoints(run_dir.checkpoints)[-1]) < num_steps
    ):
        listener.warning(f"{run_dir.path} ended at step {num_steps:,}, but the checkpoint of that step is gone.")
    listener.note(f"the generator of step {checkpoint.step:,}")
    return checkpoint


def generator_of(plan: Plan, checkpoint: Checkpoint) -> Generator:
    """The moving average of the generator in a checkpoint of the plan's run."""
    generator = build_network(plan.generator, 0)
    assert isinstance(generator, Generator)
    load_strict("generator", generator, checkpoint.tensors_of(AVERAGE), LoadRules())
    return generator.eval()


def open_trained(path: Path, components: Components, device: torch.device, listener: Listener) -> Trained:
    """The generator at `path`: of a run, of one of its checkpoints, or of an exported folder.

    Of a run it is that of the best checkpoint if it keeps one, else of the newest. Warns of checkpoints that would have
    been taken and don't verify or are gone; raises CheckpointError where nothing can be used.
    """
    if is_run(path):
        return _of_run(path, None, components, device, listener)
    if is_file(path / "state.json") and is_run(path.resolve().parent.parent):
        return _of_run(path.resolve().parent.parent, path, components, device, listener)
    if is_file(path / "config.json") and is_file(path / "manifest.json"):
        from ganforge.exports.read import open_exported

        return open_exported(path, components, device)
    expect_there(path)
    raise CheckpointError(
        f"{path} holds no generator: it is no folder of a run (with run.json and recipe.yaml), no checkpoint of one, "
        "and no folder that `ganforge export` wrote (with config.json and manifest.json)."
    )


def _of_run(
    path: Path, asked: Path | None, components: Components, device: torch.device, listener: Listener
) -> Trained:
    plan, run_dir = open_run(path, components)
    if asked is None:
        checkpoint, is_chosen = best_checkpoint(plan, run_dir, listener), True
    else:
        checkpoint = load_checkpoint(asked, [AVERAGE])
        if checkpoint.recipe_hash != run_dir.read_state().get("recipe"):
            raise CheckpointError(f"{asked} is a checkpoint of another recipe than that of {path}.")
        is_chosen = load_best(run_dir.checkpoints, [AVERAGE])[0].step == checkpoint.step
    generator = generator_of(plan, checkpoint).to(device)
    card = card_of_run(plan, run_dir, checkpoint.step, is_chosen=is_chosen, is_conditional=generator.is_conditional)
    return Trained(generator, plan.generator, card)
