"""How a process that a launcher started finds the others: by the environment that torchrun and Slurm scripts set."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from ganforge.errors import ProcessError, UsageError
from ganforge.processes.group import ALONE, Processes
from ganforge.processes.stop import ignore_signals

#: Seconds that a process waits for one that sends nothing, unless it is told otherwise.
TIMEOUT_S = 600.0
#: Seconds that it waits for the others to start.
MEETING_S = 600.0


def is_launched() -> bool:
    """Whether a launcher started this process as one of several."""
    return _number("WORLD_SIZE", 1) > 1


def local_rank() -> int:
    """Number of this process on its machine."""
    return _number("LOCAL_RANK", 0)


def launch_id() -> str:
    """What tells this launch from all others, and stays the same when its processes are started again; else ''."""
    named = os.environ.get("TORCHELASTIC_RUN_ID", "")
    # torchrun's default; the processes' parent is the launcher
    return f"{socket.gethostname()}-{os.getppid()}" if named == "none" else named


def restarts() -> int:
    """How often the launcher started the processes again, after one of them had failed."""
    return _number("TORCHELASTIC_RESTART_COUNT", 0)


@contextmanager
def joined(timeout: float = TIMEOUT_S, url: str = "env://", meeting: float = MEETING_S) -> Iterator[Processes]:
    """This process among those of its launch; ALONE where there is one.

    timeout: seconds that a process which sends nothing is waited for in a step. url: where the processes meet;
    meeting: seconds until they have. An error that leaves the block ends the others too. Raises ProcessError if they
    don't meet, UsageError.
    """
    if not is_launched():
        yield ALONE
        return
    rank, size = _number("RANK", -1), _number("WORLD_SIZE", 1)
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing and url == "env://":
        raise UsageError(
            f"WORLD_SIZE says that this is one of {size} processes, but there is no {' and no '.join(missing)}. "
            "torchrun sets them; under Slurm see docs/examples/slurm.sh."
        )
    if not 0 <= rank < size:
        raise UsageError(f"RANK is {os.environ.get('RANK')}, but with WORLD_SIZE={size} it must be 0 to {size - 1}.")
    # importing torch takes seconds, and one process alone has no use for this part of it
    import torch
    from torch.distributed.rendezvous import rendezvous

    from ganforge.processes.link import Link

    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank() % torch.cuda.device_count())
    wait = timedelta(seconds=meeting)
    try:
        store, _, _ = next(rendezvous(url, rank, size, timeout=wait))
        # a launcher's store outlives processes that are started again, with what those before them left in it
        attempt = torch.distributed.PrefixStore(f"attempt {restarts()}", store)
        link = Link(attempt, rank, size, timedelta(seconds=timeout), wait)
    except (RuntimeError, ValueError, OSError) as error:
        raise ProcessError(f"rank {rank} of {size} can't reach the others: {error}") from error
    try:
        yield Processes(rank, size, link)
    except BaseException as error:
        ignore_signals()  # it has still to say why
        link.report(error)
        raise
    finally:
        link.close()


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdecimal():
        raise UsageError(f"the environment variable {name} must be a whole number, but is '{text}'.")
    return int(text)
