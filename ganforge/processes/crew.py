"""Work of the first process in parts, of which the others compute theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganforge.errors import GanforgeError
from ganforge.processes.group import Processes

P = TypeVar("P")
Array = NDArray[Any]
#: What a process does that is asked: JSON data and an array -> an array.
Task = Callable[[Any, Array], Array]

NOTHING: Array = np.empty(0, dtype=np.uint8)


class PartError(GanforgeError):
    """Another process could not compute its part; it is there for the next one."""


class Crew:
    """The first process asks, the others do what they are asked until it lets them go.

    Part i is computed by the process of rank i modulo their number, and no part depends on that number. A process that
    fails in a part says so and stays. One that dies, or is stopped, ends all: see `Processes`.
    """

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        #: By name what this process does when it is asked.
        self.tasks: dict[str, Task] = {}

    def __enter__(self) -> Crew:
        """On the first process: the others are let go at the end. After an error they end with this process."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None and self.processes.link is not None:
            for rank in range(1, self.processes.size):
                self.processes.link.ask(rank, None, NOTHING)

    def each(
        self,
        parts: Iterable[P],
        own: Callable[[P], Array],
        task: str = "",
        asked: Callable[[P], tuple[Any, Array]] | None = None,
    ) -> Iterator[Array]:
        """What is computed of each part, in their order; on the first process.

        own: computes a part here. task, asked: its name elsewhere, and what it is told there; None: all is computed
        here. Raises what `own` raises; MemoryError or PartError, which name the rank, for a part of another process.
        """
        link, size = self.processes.link, 1 if asked is None else self.processes.size
        remaining = iter(parts)
        while turn := list(islice(remaining, size)):
            others = range(1, len(turn))
            for rank in others:
                assert link is not None and asked is not None
                value, array = asked(turn[rank])
                link.ask(rank, [task, value], array)
            failure: BaseException | None = None
            found = [NOTHING]
            try:
                found = [own(turn[0])]
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also what ends a program; the others answer all the same
                failure = error
            for rank in others:
                assert link is not None
                problem, array = link.answered(rank)
                failure = failure or _as_error(problem, rank, size)
                found.append(array)
            if failure is not None:
                raise failure
            yield from found

    def help(self) -> None:
        """Do what the first process asks, until it lets this one go; on the others."""
        link = self.processes.link
        assert link is not None
        while True:
            order, array = link.asked()
            if order is None:
                return
            task, value = order
            problem, found = None, NOTHING
            try:
                found = self.tasks[task](value, array)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also what ends a program: that is not for a component to do
                problem = _described(error)
            link.answer(problem, found)


def _described(error: BaseException) -> dict[str, Any]:
    from ganforge.hardware import is_out_of_memory

    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return {"text": text, "memory": isinstance(error, Exception) and is_out_of_memory(error)}


def _as_error(problem: dict[str, Any] | None, rank: int, size: int) -> Exception | None:
    if problem is None:
        return None
    text = f"rank {rank} of {size}: {problem['text']}"
    return MemoryError(text) if problem["memory"] else PartError(text)
