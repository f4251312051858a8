"""Work of the first process in parts, of which the others compute theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ganforge.errors import GanforgeError
from ganforge.processes.group import Processes
from ganforge.processes.stop import RunStopped, Stops

if TYPE_CHECKING:
    from ganforge.processes.link import Link

P = TypeVar("P")
Array = NDArray[Any]
#: What a process does that is asked: JSON data and an array -> an array.
Task = Callable[[Any, Array], Array]

NOTHING: Array = np.empty(0, dtype=np.uint8)
#: The task of answering.
ROLL_CALL = "here"


class PartError(GanforgeError):
    """Another process could not compute its part; it is there for the next one."""


class Crew:
    """The first process asks, the others do what they are asked until it lets them go.

    Part i is computed by the process of rank i modulo their number, and no part depends on that number. A process that
    fails in a part says so and stays. One that dies, or is stopped, ends all: see `Processes`.
    """

    def __init__(self, processes: Processes, stops: Stops | None = None) -> None:
        """stops: by which several processes end behind a turn; None: they are asked elsewhere. One ends at once."""
        self.processes = processes
        #: By name what this process does when it is asked.
        self.tasks: dict[str, Task] = {}
        self._stops = stops if processes.size > 1 else None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Within, the first process may ask; at the end it lets the others go. After an error they end with it."""
        with self._deferred():
            yield
            self._expect_to_go_on([])
            for rank in range(1, self.processes.size):
                self._link.ask(rank, None, NOTHING)

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
        size = 1 if asked is None else self.processes.size
        remaining = iter(parts)
        while turn := list(islice(remaining, size)):
            others = range(1, len(turn))
            # all orders before the first is sent: if one can't be made, nobody's answer is left for the next turn
            orders = [asked(part) for part in turn[1:]] if asked is not None else []
            for rank, (value, array) in enumerate(orders, start=1):
                self._link.ask(rank, [task, value], array)
            failure: BaseException | None = None
            found = [NOTHING]
            try:
                found = [own(turn[0])]
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # also what ends a program; the others answer all the same
                failure = error
            reports = []
            for rank in others:
                report, array = self._link.answered(rank)
                failure = failure or _as_error(report["problem"], rank, size)
                reports.append(report)
                found.append(array)
            self._expect_to_go_on(reports)
            if failure is not None:
                raise failure
            yield from found

    def help(self) -> None:
        """Do what the first process asks, until it lets this one go; on the others."""
        with self._deferred():
            while True:
                order, array = self._link.asked()
                if order is None:
                    return
                task, value = order
                problem, found = None, NOTHING
                try:
                    found = self.tasks[task](value, array) if task != ROLL_CALL else NOTHING
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # also what ends a program: that is not for a component to do
                    problem = _described(error)
                stopped = self._stops.asked() if self._stops is not None else None
                report = {"problem": problem, "stopped": stopped and [stopped.reason, stopped.exit_code]}
                self._link.answer(report, found)

    @property
    def _link(self) -> Link:
        assert self.processes.link is not None
        return self.processes.link

    def _deferred(self) -> AbstractContextManager[None]:
        return nullcontext() if self._stops is None else self._stops.deferred()

    def _expect_to_go_on(self, reports: list[dict[str, Any]]) -> None:
        """Raise RunStopped where one was asked to stop; but ProcessError where it was since another one is gone."""
        if self._stops is None:
            return
        own = self._stops.asked()
        stopped = [RunStopped(*report["stopped"]) for report in reports if report["stopped"]]
        if own is None and not stopped:
            return
        others = range(1, self.processes.size)
        for rank in others:
            self._link.ask(rank, [ROLL_CALL, None], NOTHING)
        for rank in others:
            self._link.answered(rank)
        raise own or stopped[0]


def _described(error: BaseException) -> dict[str, Any]:
    from ganforge.hardware import is_out_of_memory

    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return {"text": text, "memory": isinstance(error, Exception) and is_out_of_memory(error)}


def _as_error(problem: dict[str, Any] | None, rank: int, size: int) -> Exception | None:
    if problem is None:
        return None
    text = f"rank {rank} of {size}: {problem['text']}"
    return MemoryError(text) if problem["memory"] else PartError(text)
