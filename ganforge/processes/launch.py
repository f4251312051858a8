"""Starts a command once for each process, on this machine, by the launcher of torchrun."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Sequence

from ganforge.errors import ProcessError, UsageError
from ganforge.processors import usable_processors

#: What the launcher passes on to the processes, beside what torchrun does.
SIGNALS = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR2"
#: Seconds from a signal until processes that have not saved and ended are killed.
SHUTDOWN_S = 120


def count_processes(wanted: str) -> tuple[int, bool]:
    """Number of processes, and whether they compute on the processor, for `auto`, `2` or `cpu:2`. Raises UsageError.

    `auto`: as many as there are GPUs, or one on the processor where there is none.
    """
    number = read_processes(wanted)
    if number is not None and wanted.startswith("cpu:"):
        return number, True
    import torch

    there = torch.cuda.device_count()
    if number is None:
        return max(1, there), not there
    if number > there:
        found = f"there {'is' if there == 1 else 'are'} {there or 'none'}"
        raise UsageError(f"--gpus {wanted}: {found}. cpu:{number} starts as many processes without GPU.")
    return number, False


def read_processes(wanted: str) -> int | None:
    """The number in `2` or `cpu:2`, whether or not there are as many GPUs; None for `auto`. Raises UsageError."""
    number = wanted.removeprefix("cpu:")
    if wanted == "auto":
        return None
    if not (number.isdecimal() and 0 < int(number) <= 1024):
        raise UsageError(
            f"--gpus must be auto, a number such as 2, or cpu:2 for processes without GPU; not '{wanted}'."
        )
    return int(number)


def launch(words: Sequence[str], size: int, max_restarts: int, advice: str) -> int:
    """The exit code of `ganforge WORDS` run by `size` processes, of which one tells what happens.

    max_restarts: how often they are started again, all together, after one has failed. advice: what to do when all
    were killed. Raises ProcessError where one was killed and none is left to say so.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    # as many as fit beside each other; each would take all
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_processors() // size)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=size,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=max_restarts,
        signals_to_handle=SIGNALS,
        shutdown_timeout=SHUTDOWN_S,
    )
    # what the launcher's loggers say of the processes, those say themselves; and each logger has a level of its own
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        elastic_launch(config, sys.executable)("-m", "ganforge", *words)
    except ChildFailedError as error:
        codes = {rank: failure.exitcode for rank, failure in sorted(error.failures.items())}
    except SignalException as stopped:
        return 128 + stopped.sigval
    else:
        return 0
    finally:
        logging.disable(before)
    told = [code for code in codes.values() if code > 0]
    if told:
        return told[0]
    killed = ", ".join(f"rank {rank} of {size} by {signal.Signals(-code).name}" for rank, code in codes.items())
    raise ProcessError(f"killed: {killed}. {advice}")
