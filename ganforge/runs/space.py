"""Room on the disk: enough before a run begins, and what is said where it runs out."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganforge.errors import OutputError
from ganforge.files import TRANSIENT, nearest_existing
from ganforge.outputs import why_closed
from ganforge.plan.plan import Plan
from ganforge.runs.checkpoint import KEPT

#: ENOSPC, EDQUOT: disk or quota is full. EFBIG: a limit of the process or the file system on a file's size.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: Checkpoints on the disk at one time: the newest ones, the best, and the one that is being written.
CHECKPOINTS = KEPT + 2


def expect_space(plan: Plan, folder: Path) -> None:
    """Raise OutputError where no run can be written to the folder: not allowed, no folder, too full a disk.

    The folder need not exist.
    """
    if reason := why_closed(folder):
        raise OutputError(f"can't make a run folder in {folder}: {reason}. Choose another with output.folder=DIR.")
    needed, free = needed_bytes(plan), shutil.disk_usage(nearest_existing(folder)).free
    if needed > free:
        raise OutputError(
            f"the run will need about {needed / 1e6:,.0f} MB in {folder}, but its disk has {free / 1e6:,.0f} MB left. "
            "Make room, or choose another folder with output.folder=DIR."
        )


def needed_bytes(plan: Plan) -> int:
    """About what a run writes: networks, moving average and two moments of each in float32, grids as raw pixels."""
    recipe = plan.recipe
    checkpoint = 4 * (4 * plan.generator.num_parameters + 3 * plan.discriminator.num_parameters)
    steps = sum(stage.steps for stage in recipe.stages)
    grids = 1 + steps // recipe.output.samples_every
    grid = 3 * recipe.resolution**2 * recipe.output.columns * len(plan.classes)
    return CHECKPOINTS * checkpoint + grids * grid


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Within, an OSError of writing to the folder becomes an OutputError."""
    try:
        yield
    except OSError as error:
        if not is_of(error, folder):
            raise
        raise output_error(error, folder) from error


def is_of(error: OSError, folder: Path) -> bool:
    """Whether the error is one of writing to the folder: it names a file there, or none and a disk is full."""
    if error.filename is None:
        return error.errno in FULL | TRANSIENT
    return Path(str(error.filename)).is_relative_to(folder)


def output_error(error: OSError, folder: Path) -> OutputError:
    """What a user should read where the run's folder can't be written to."""
    reason = error.strerror or str(error)
    place = error.filename or folder
    if error.errno in FULL:
        free = shutil.disk_usage(folder).free
        reason = f"the disk or a quota is full ({reason}; {free / 1e6:,.0f} MB left)"
    return OutputError(f"can't write {place}: {reason}. What was saved before is whole; make room and resume.")
