"""Which run goes on: one that its launcher started again, one that is there, or a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from ganforge import execute
from ganforge.branch import branch, folder_of_branches
from ganforge.listener import Listener
from ganforge.opening import find_restarted, find_run, load_recipe_of
from ganforge.processes.group import ALONE, Processes
from ganforge.recipe.dump import recipe_hash
from ganforge.recipe.load import LoadedRecipe
from ganforge.registry import Components
from ganforge.runs.rundir import RunDir


def run_or_resume(
    loaded: LoadedRecipe,
    listener: Listener,
    device: torch.device,
    stop_after: float | None = None,
    processes: Processes = ALONE,
    *,
    newest: bool,
) -> RunDir:
    """The run of this launch if its processes were started again, else a new one. Arguments and errors as of `run`.

    newest: rather than a new one, the newest of this very recipe, if there is one.
    """

    def find() -> str | None:
        found = find_restarted(loaded.recipe.output.folder) or (find_run(loaded) if newest else None)
        return None if found is None else str(found)

    found = processes.from_first(find)
    if found is None:
        return execute.run(loaded, listener, device, stop_after, processes)
    return execute.resume(Path(found), loaded.components, listener, device, stop_after, processes=processes)


def go_on(
    path: Path,
    start: Literal["best", "newest"] | None,
    changes: Sequence[str],
    components: Components,
    listener: Listener,
    device: torch.device,
    stop_after: float | None = None,
    processes: Processes = ALONE,
) -> RunDir:
    """Continue a run in its folder; from a chosen checkpoint, or with other values than trackers, in a new one.

    start: the checkpoint; None: the newest. Raises as `resume` and `branch`.
    """

    def begin() -> str | None:
        if start is None and is_same_run(path, changes, components):
            return None
        begun = find_restarted(folder_of_branches(path, changes, components))
        return str(begun or branch(path, start or "newest", changes, components).path)

    new = processes.from_first(begin)
    if new is None:
        return execute.resume(path, components, listener, device, stop_after, changes, processes)
    return execute.resume(Path(new), components, listener, device, stop_after, processes=processes)


def is_same_run(path: Path, changes: Sequence[str], components: Components) -> bool:
    """Whether the changes leave the run what it is: they choose trackers, and nothing else."""
    if not changes:
        return True
    run_dir = RunDir.open(path)
    changed = load_recipe_of(run_dir, changes, components).recipe
    return run_dir.read_state().get("recipe") == recipe_hash(changed)
