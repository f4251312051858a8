"""The first process asks, the others compute their parts; a part that fails is a fault of that part alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from several import ends, start, together

from ganforge.processes.crew import NOTHING, Array, Crew, PartError
from ganforge.processes.group import ALONE, Processes

#: Of a part's number, what the process of that rank does to it.
Fault = Callable[[int], None]


def crew_of(processes: Processes, fault: Fault | None = None, faulty: int = -1) -> tuple[Crew, Callable[[int], Array]]:
    """A crew whose task is the square of a number and of an array, and what computes a part on the first process."""

    def square(number: int, array: Array) -> Array:
        if fault is not None and processes.rank == faulty:
            fault(number)
        return np.concatenate([np.float32([number**2, processes.rank]), array.ravel() ** 2])

    crew = Crew(processes)
    crew.tasks["square"] = square
    return crew, lambda number: square(number, thirds(number))


def thirds(number: int) -> Array:
    return np.full((1, 2), number / 3, np.float32)


def squares(crew: Crew, own: Callable[[int], Array], num: int) -> list[list[float]]:
    found = crew.each(range(num), own, "square", lambda number: (number, thirds(number)))
    return [row.tolist() for row in found]


def test_one_process_computes_all_parts() -> None:
    crew, own = crew_of(ALONE)
    with crew.asking():
        assert [row[:2] for row in squares(crew, own, 3)] == [[0, 0], [1, 0], [4, 0]]


def compute(processes: Processes, folder: Path) -> None:
    crew, own = crew_of(processes)
    if not processes.is_first:
        return crew.help()
    with crew.asking():
        for num in (5, 0, 3, 1):
            found = squares(crew, own, num)
            # part i is that of rank i modulo 3
            assert [row[:2] for row in found] == [[i**2, i % 3] for i in range(num)]
            alone = squares(crew_of(ALONE)[0], own, num)
            assert [row[2:] for row in found] == [row[2:] for row in alone]
        here = crew.each(range(4), lambda number: np.array([number]))
        assert [row.tolist() for row in here] == [[0], [1], [2], [3]]
    return None


def test_parts_come_in_their_order_whoever_computed_them(tmp_path: Path) -> None:
    together(3, tmp_path, compute, tmp_path)


def go_on_after_an_order(processes: Processes) -> None:
    crew, own = crew_of(processes)
    if not processes.is_first:
        return crew.help()

    def order(number: int) -> tuple[int, Array]:
        if number == 2:
            raise OSError("the picture is gone")
        return number, thirds(number)

    with crew.asking():
        with pytest.raises(OSError, match="the picture is gone"):
            list(crew.each(range(3), own, "square", order))
        assert [row[0] for row in squares(crew, own, 6)] == [number**2 for number in range(6)]
    return None


def test_an_order_that_can_not_be_made_leaves_no_answer_to_be_taken_for_another(tmp_path: Path) -> None:
    together(3, tmp_path, go_on_after_an_order)


def refuse(number: int) -> None:
    raise KeyError("odd")


def leave_program(number: int) -> None:
    raise SystemExit(3)


def fill_memory(number: int) -> None:
    raise MemoryError("no room")


def go_on_after(processes: Processes, fault: Fault, faulty: int, kind: type[BaseException], said: str) -> None:
    crew, own = crew_of(processes, fault, faulty)
    if not processes.is_first:
        return crew.help()
    with crew.asking():
        with pytest.raises(kind) as caught:
            squares(crew, own, 5)
        assert str(caught.value) == said
        assert [row.tolist() for row in crew.each(range(2), thirds)] == [thirds(n).tolist() for n in range(2)]
        with pytest.raises(kind):
            squares(crew, own, 2)
    return None


@pytest.mark.parametrize(
    ("fault", "faulty", "kind", "said"),
    [
        (refuse, 1, PartError, "rank 1 of 2: KeyError: 'odd'"),
        (leave_program, 1, PartError, "rank 1 of 2: SystemExit: 3"),
        (fill_memory, 1, MemoryError, "rank 1 of 2: MemoryError: no room"),
        (refuse, 0, KeyError, "'odd'"),
        (leave_program, 0, SystemExit, "3"),
    ],
)
def test_a_part_that_fails_is_told_and_all_are_there_for_the_next(
    fault: Fault, faulty: int, kind: type[BaseException], said: str, tmp_path: Path
) -> None:
    together(2, tmp_path, go_on_after, fault, faulty, kind, said)


def die(number: int) -> None:
    if number > 1:
        os.kill(os.getpid(), signal.SIGKILL)


def swallow(processes: Processes, faulty: int) -> None:
    """The first process takes what it is told for a fault of a part, as a component might, and goes on."""
    crew, own = crew_of(processes, die, faulty)
    if not processes.is_first:
        return crew.help()
    with crew.asking():
        for _ in range(2):
            try:
                squares(crew, own, 6)
            except Exception as error:
                (told,) = [error]
        assert type(told).__name__ == "ProcessError"
    return None


@pytest.mark.parametrize(("faulty", "codes"), [(1, [9, -9, 9]), (0, [-9, 9, 9])])
def test_one_that_dies_ends_all_also_where_its_loss_is_swallowed(faulty: int, codes: list[int], tmp_path: Path) -> None:
    assert ends(start(3, tmp_path, swallow, faulty)) == codes
    said = f"ProcessError: the process of rank {faulty} of 3 ended without a word: killed, or out of memory."
    for rank in {0, 1, 2} - {faulty}:
        assert (tmp_path / f"error_{rank}").read_text() == said


def talk(processes: Processes) -> None:
    link = processes.link
    assert link is not None
    sent: list[tuple[Any, Array]] = [
        ({"a": ["ä", None]}, NOTHING),
        (None, np.arange(6, dtype=np.uint8).reshape(1, 2, 3)[..., ::-1]),
        (1.5, np.empty((0, 7), np.float32)),
        ("x", np.float32([[np.nan, -0.0]])),
    ]
    for value, array in sent:
        if processes.is_first:
            link.ask(1, value, array)
            continue
        found, there = link.asked()
        assert found == value and there.dtype == array.dtype and there.shape == array.shape
        assert there.tobytes() == array.tobytes()


def test_arrays_arrive_as_they_were_sent(tmp_path: Path) -> None:
    together(2, tmp_path, talk)
