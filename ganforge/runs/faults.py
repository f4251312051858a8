"""What a user should read where a run ends by a fault of the machine."""

from __future__ import annotations

from shlex import quote

from ganforge.errors import MemoryLimitError, ProcessError
from ganforge.hardware import is_out_of_memory
from ganforge.processes.group import ALONE, Processes
from ganforge.recipe.models import Recipe
from ganforge.runs.checkpoint import list_checkpoints
from ganforge.runs.rundir import RunDir
from ganforge.runs.space import is_of, output_error


def for_user(
    error: BaseException, recipe: Recipe, run_dir: RunDir, processes: Processes = ALONE, *, on_cpu: bool = True
) -> BaseException:
    """The same, or what a user should read of a full memory or disk, or of a process that is lost."""
    if isinstance(error, ProcessError):
        again = f"ganforge resume {quote(str(run_dir.path))} --gpus {processes.gpus(on_cpu=on_cpu)}"
        return error.with_advice(f"What was saved is whole; continue with `{again}`.")
    if isinstance(error, Exception) and is_out_of_memory(error):
        return MemoryLimitError(_out_of_memory(recipe, run_dir, processes))
    if isinstance(error, OSError) and is_of(error, run_dir.path):
        return output_error(error, run_dir.path)
    return error


def _out_of_memory(recipe: Recipe, run_dir: RunDir, processes: Processes) -> str:
    training = recipe.training
    share = training.batch // processes.size
    at_once = min(training.microbatch or share, share)
    found = f"out of memory with {at_once} images of {recipe.resolution} px at once"
    if at_once == 1:
        return f"{found}: only a smaller network, or a smaller resolution, needs less."
    fewer = f"training.microbatch={at_once // 2}"
    steps = list_checkpoints(run_dir.checkpoints)
    again = f"ganforge resume {quote(str(run_dir.path))} {fewer}" if steps else f"ganforge run RECIPE {fewer}"
    return f"{found}. The same batch of {training.batch} in smaller parts: {again}"
