"""A new run from a checkpoint of another: back to the best one, on with a lower rate."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ganforge.errors import CheckpointError, UsageError
from ganforge.execute import freeze_tables, plan_recipe
from ganforge.files import write_json, write_text
from ganforge.plan.plan import Plan
from ganforge.recipe.dump import dump_recipe, recipe_hash
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import Checkpoint, load_best, load_newest, save_checkpoint
from ganforge.runs.rundir import RunDir

#: What a branch takes over from its run as it is.
COPIED = ("environment.json", "data.json", "source.json", "load.json", "metrics.jsonl")


def branch(path: Path, start: Literal["best", "newest"], overrides: Sequence[str], components: Components) -> RunDir:
    """A new run folder beside that of the run, which `resume` continues from the checkpoint with the changed recipe.

    Networks, moving average, optimizers and metrics up to there are taken over. Raises RecipeError, UsageError, or
    CheckpointError where the recipe doesn't fit them.
    """
    run = RunDir.open(path)
    state = run.read_state()
    loaded = load_recipe(run.recipe, overrides, components)
    plan = plan_recipe(loaded, tuple(state["classes"]))
    checkpoint = _checkpoint(run, start)
    num_steps = sum(stage.steps for stage in loaded.recipe.stages)
    if checkpoint.step >= num_steps:
        raise UsageError(
            f"the checkpoint is that of step {checkpoint.step:,}, but the recipe has {num_steps:,} steps: nothing is "
            f"left to do. Give it more, such as stages[{len(loaded.recipe.stages) - 1}].steps=N."
        )
    _expect_fit(plan, checkpoint)
    new = RunDir.create(loaded.recipe.output.folder, loaded.recipe.name)
    write_text(new.recipe, dump_recipe(loaded.recipe))
    for name in COPIED:
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, new.path / name)
    write_json(new.path / "freeze.json", freeze_tables(plan))
    own = replace(checkpoint, recipe_hash=recipe_hash(loaded.recipe), best=None)
    save_checkpoint(new.checkpoints, own, keep=2)
    kept = {key: state[key] for key in ("classes", "is_phantom", "arithmetic") if key in state}
    begun_from = {"run": run.path.name, "step": checkpoint.step, "changes": list(overrides)}
    new.write_state(state="stopped", recipe=recipe_hash(loaded.recipe), begun_from=begun_from, **kept)
    return new


def _checkpoint(run: RunDir, start: Literal["best", "newest"]) -> Checkpoint:
    checkpoint, rejected = (load_best if start == "best" else load_newest)(run.checkpoints)
    if start == "best" and (checkpoint.best is None or checkpoint.best.step != checkpoint.step):
        reason = " ".join(rejected) or "Its recipe has no `evaluation.best`, or nothing was measured yet."
        raise CheckpointError(f"{run.path} has no best checkpoint. {reason}")
    return checkpoint


def _expect_fit(plan: Plan, checkpoint: Checkpoint) -> None:
    """Networks must have the parameters that the checkpoint has; whatever else differs, training decides."""
    for name in ("generator", "discriminator"):
        found = {key: tensor.numel() for key, tensor in checkpoint.tensors[name].items()}
        wanted = plan.network(name).sizes
        differing = sorted(key for key in wanted if found.get(key) != wanted[key])
        if differing:
            raise CheckpointError(
                f"the recipe's {name} is not that of the checkpoint: {differing[0]} differs. "
                "A run can go on with other rates, steps, losses and augmentations, but with the same networks."
            )
