"""A new run from a checkpoint of another: back to the best one, on with a lower rate."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ganforge.errors import CheckpointError, UsageError
from ganforge.files import write_json, write_text
from ganforge.freeze.schedule import Schedule
from ganforge.opening import load_recipe_of
from ganforge.planning import freeze_tables, plan_recipe
from ganforge.recipe.dump import dump_recipe, recipe_hash
from ganforge.recipe.models import Recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import Checkpoint, load_best, load_newest, save_checkpoint
from ganforge.runs.rundir import RunDir
from ganforge.runs.space import expect_space, writing_to
from ganforge.training.players import follower_specs

#: What a branch takes over from its run as it is.
COPIED = ("environment.json", "data.json", "source.json", "load.json", "metrics.jsonl", "quarantine.csv")
#: What must stay: other networks don't fit the weights, another split would measure on images that were trained on,
#: and in batches of another size other images would count as seen.
FIXED = (
    "resolution",
    "data",
    "split",
    "source",
    "generator",
    "discriminator",
    "training.batch",
    "training.step",
    "training.optimizer.kind",
)


def branch(path: Path, start: Literal["best", "newest"], overrides: Sequence[str], components: Components) -> RunDir:
    """A new run folder, which `resume` continues from the checkpoint with the changed recipe.

    It is beside that of the run, or in the `output.folder` of the changes.

    Networks, moving average, optimizers and metrics up to there are taken over. Raises RecipeError, UsageError for a
    change that can't be made, CheckpointError where there is no such checkpoint, OutputError.
    """
    run = RunDir.open(path)
    state = run.read_state()
    before, loaded = (load_recipe_of(run, changes, components) for changes in ((), overrides))
    recipe = loaded.recipe
    plan = plan_recipe(loaded, tuple(state["classes"]))
    _expect_same(before.recipe, recipe)
    checkpoint = _checkpoint(run, start)
    schedule = Schedule(recipe.stages)
    if checkpoint.step >= schedule.num_steps:
        raise UsageError(
            f"the checkpoint is that of step {checkpoint.step:,}, but the recipe has {schedule.num_steps:,} steps: "
            f"nothing is left to do. Give it more, such as stages[{len(recipe.stages) - 1}].steps=N."
        )
    parent = _parent(run, before.recipe, recipe)
    expect_space(plan, parent)
    new = RunDir.create(parent, recipe.name)
    with writing_to(new.path):
        write_text(new.recipe, dump_recipe(recipe))
        for name in COPIED:
            if (run.path / name).is_file():
                shutil.copyfile(run.path / name, new.path / name)
        write_json(new.path / "freeze.json", freeze_tables(plan))
        tensors = _tensors(checkpoint, before.recipe, recipe)
        own = replace(checkpoint, recipe_hash=recipe_hash(recipe), best=None, is_unmeasured=False, tensors=tensors)
        save_checkpoint(new.checkpoints, own)
        new.write_state(
            state="stopped",
            recipe=recipe_hash(recipe),
            classes=state["classes"],
            is_phantom=recipe.data.is_phantom,
            plugins=loaded.plugins,
            arithmetic=_arithmetic(state, schedule.at(max(0, checkpoint.step - 1)).number),
            begun_from={"run": run.path.name, "step": checkpoint.step, "changes": list(overrides)},
        )
    return new


def folder_of_branches(path: Path, overrides: Sequence[str], components: Components) -> Path:
    """The folder in which `branch` makes the new run."""
    run = RunDir.open(path)
    before, after = (load_recipe_of(run, changes, components).recipe for changes in ((), overrides))
    return _parent(run, before, after)


def _parent(run: RunDir, before: Recipe, after: Recipe) -> Path:
    return after.output.folder if after.output.folder != before.output.folder else run.path.parent


def _expect_same(before: Recipe, after: Recipe) -> None:
    old, new = (recipe.model_dump(mode="json") for recipe in (before, after))
    changed = [path for path in FIXED if _at(old, path) != _at(new, path)]
    if changed:
        raise UsageError(
            f"{', '.join(changed)} can't change in a run that goes on. Rates, steps, losses, penalties, augmentations, "
            "the sampler, evaluation and output can; for the rest begin a new run, with `source: {kind: run}` if it is "
            "to start from these weights."
        )


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data[key]
    return data


def _checkpoint(run: RunDir, start: Literal["best", "newest"]) -> Checkpoint:
    checkpoint, rejected = (load_best if start == "best" else load_newest)(run.checkpoints)
    if start == "best" and (checkpoint.best is None or checkpoint.best.step != checkpoint.step):
        reason = " ".join(rejected) or "Its recipe has no `evaluation.best`, or nothing was measured yet."
        raise CheckpointError(f"{run.path} has no best checkpoint. {reason}")
    return checkpoint


def _tensors(checkpoint: Checkpoint, before: Recipe, after: Recipe) -> dict[str, Mapping[str, Any]]:
    """Augmentations and penalties on logits that are others now begin anew."""
    old, new = (follower_specs(recipe.training) for recipe in (before, after))
    tensors = {stem: each for stem, each in checkpoint.tensors.items() if old.get(stem) == new.get(stem)}
    first = {stem: spec.build().state_dict() for stem, spec in new.items() if spec != old.get(stem)}
    return tensors | {stem: state for stem, state in first.items() if state}


def _arithmetic(state: Mapping[str, Any], stage: int) -> dict[str, Any]:
    """How each stage up to this one computed; stages that begin earlier than they did go on as the last one known."""
    recorded = state.get("arithmetic", {})
    rows = [recorded[key] for key in sorted(recorded, key=int)]
    return {str(number): rows[min(number, len(rows) - 1)] for number in range(stage + 1)} if rows else {}
