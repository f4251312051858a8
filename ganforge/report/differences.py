"""Where recipes differ, told at the place that a reader would change: a component of another kind as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Given:
    """A value that is there, be it null."""

    value: Any


@dataclass(frozen=True)
class Difference:
    """A key on which the sides don't agree, with the value of each; None: it hasn't got the key."""

    key: str
    values: Sequence[Given | None]


def differences(sides: Sequence[Any]) -> list[Difference]:
    """The keys on which plain data differ, in the order of the first side that has them."""
    return list(_differences("", [Given(side) for side in sides]))


def flow(value: Any) -> str:
    """One line: `{kind: cosine, rate: 0.0005}`; null values of mappings are left out."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {flow(child)}' for key, child in value.items() if child is not None)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _differences(key: str, sides: Sequence[Given | None]) -> Iterator[Difference]:
    values = [side.value for side in sides if side is not None]
    if len(values) == len(sides) and all(value == values[0] for value in values):
        return
    if len(values) < len(sides) or not (_are_alike(values) or not key):
        yield Difference(key, sides)
        return
    if all(isinstance(value, list) for value in values):
        for index in range(max(len(value) for value in values)):
            children = [Given(value[index]) if index < len(value) else None for value in values]
            yield from _differences(f"{key}[{index}]", children)
        return
    mappings = [value if isinstance(value, dict) else {} for value in values]
    for name in dict.fromkeys(name for value in mappings for name in value):
        children = [Given(value[name]) if name in value else None for value in mappings]
        yield from _differences(f"{key}.{name}" if key else str(name), children)


def _are_alike(values: Sequence[Any]) -> bool:
    """Whether to look inside: mappings of one kind, and lists of mappings that are as long or have names."""
    if all(isinstance(value, dict) for value in values):
        kinds = {flow(value.get("kind")) for value in values}
        rules = {tuple(key for key in ("train", "freeze") if value.get(key) is not None) for value in values}
        return len(kinds) == len(rules) == 1
    if not all(isinstance(value, list) and all(isinstance(each, dict) for each in value) for value in values):
        return False
    return len({len(value) for value in values}) == 1 or all("name" in each for value in values for each in value)
