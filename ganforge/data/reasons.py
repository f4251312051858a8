"""Why files can't be used, told once for all that have the same fault."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ganforge.data.decode import TOO_DARK

#: Files with the same fault that are told one by one; of more, one line tells.
FEW = 3
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Fault:
    """A reason and the files that have it, by name; `text` has `2100 to 3990` where the numbers in it differ."""

    text: str
    names: tuple[str, ...]
    #: What to do about all of them, where that can be told; ready to be pasted.
    way_out: str = ""

    def lines(self) -> list[str]:
        """`a.png is empty` for each of few files; of many, one line with their number and the first names."""
        if len(self.names) <= FEW:
            return [f"{name} {self.text}" for name in self.names]
        return [f"{len(self.names):,} files, such as {', '.join(self.names[:FEW])}: each {self.text}"]


def faults(reasons: Iterable[tuple[str, str]]) -> list[Fault]:
    """(name, reason) of files, grouped by the reason but for the numbers in it, in the order in which each comes first.

    Few files of a fault keep their own numbers: they are faults by themselves.
    """
    alike: dict[str, list[tuple[str, str]]] = {}
    for name, reason in reasons:
        alike.setdefault(_NUMBER.sub("#", reason), []).append((name, reason))
    found = []
    for group in alike.values():
        texts = [reason for _, reason in group]
        way_out = _window(texts)
        if len(group) > FEW:
            found.append(Fault(_merged(texts), tuple(name for name, _ in group), way_out))
        else:
            found += [
                Fault(text, (name,), way_out if number == len(group) else "")
                for number, (name, text) in enumerate(group, start=1)
            ]
    return found


def ways_out(found: Iterable[Fault]) -> list[str]:
    """What to do about the faults of which that can be told."""
    return [fault.way_out for fault in found if fault.way_out]


def _merged(texts: list[str]) -> str:
    """Texts that differ in numbers alone as one: `2100 to 3990` where they differ."""
    columns = zip(*(_NUMBER.findall(text) for text in texts), strict=True)
    spans = iter([sorted(set(column), key=float) for column in columns])

    def span(_: re.Match[str]) -> str:
        numbers = next(spans)
        return numbers[0] if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"

    return _NUMBER.sub(span, texts[0])


def window_that_holds(largest: int) -> tuple[int, int]:
    """Centre and width of the window from 0 to the largest value of so many bits as `largest` needs."""
    width = 1 << largest.bit_length()
    return width // 2, width


def _window(texts: list[str]) -> str:
    """A window for pictures of 16 bits that use fewer: 0 to the largest value of so many bits as all of them need."""
    if not texts[0].startswith(TOO_DARK):
        return ""
    largest = max(int(_NUMBER.findall(text.removeprefix(TOO_DARK))[0]) for text in texts)
    center, width = window_that_holds(largest)
    return (
        f"Their largest value is {largest}: data.window='{{center: {center}, width: {width}}}' makes 0 black and "
        f"{width - 1} white in all of them."
    )
