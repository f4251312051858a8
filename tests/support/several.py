"""Several processes of a test, which meet in a file and talk by gloo, with one thread each."""

from __future__ import annotations

import multiprocessing
import os
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganforge.processes.group import Processes
from ganforge.processes.join import joined

FORK = multiprocessing.get_context("fork")
#: Seconds after which processes that wait for each other are taken for hung.
LIMIT_S = 240


def start(
    size: int, folder: Path, work: Callable[..., None], *args: Any, timeout: float = 60, meeting: float = 60
) -> list[Any]:
    """Processes that call `work(processes, *args)`; their exit codes are 0, an error's, or 1 with a traceback."""
    folder.mkdir(parents=True, exist_ok=True)
    children = [
        FORK.Process(target=_begin, args=(rank, size, folder / "meeting", (timeout, meeting), work, args))
        for rank in range(size)
    ]
    for child in children:
        child.start()
    return children


def ends(children: list[Any]) -> list[int | None]:
    """The exit codes by rank, when all have ended."""
    for child in children:
        child.join(LIMIT_S)
    hung = [child for child in children if child.is_alive()]
    for child in hung:
        child.kill()
    assert not hung
    return [child.exitcode for child in children]


def together(size: int, folder: Path, work: Callable[..., None], *args: Any) -> None:
    """`work(processes, *args)` on each of `size` processes, all of which end well."""
    assert ends(start(size, folder, work, *args)) == [0] * size


def _begin(rank: int, size: int, place: Path, waits: tuple[float, float], work: Callable[..., None], args: Any) -> None:
    torch.set_num_threads(1)
    torch.cuda.is_available = lambda: False  # a process that was forked can't use a GPU
    # by the name of the loopback: to look up an address would wait forever where a thread did so during the fork
    loopback = next(name for _, name in socket.if_nameindex() if name.startswith("lo"))
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "GLOO_SOCKET_IFNAME": loopback}
    code = 0
    try:
        with joined(waits[0], f"file://{place}", waits[1]) as processes:
            assert isinstance(processes, Processes)
            assert (processes.rank, processes.size) == (rank, size)
            work(processes, *args)
    except BaseException as error:
        (place.parent / f"error_{rank}").write_text(f"{type(error).__name__}: {error}")
        code = getattr(error, "exit_code", 1)
        if code == 1:
            traceback.print_exc()
    os._exit(code)
