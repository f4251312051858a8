"""Names for what a recipe lists by kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from ganforge.interfaces import Component

C = TypeVar("C", bound=Component)


def by_name(specs: Iterable[C]) -> dict[str, C]:
    """In their order: `ada` for the first of that kind, `ada_1` for the second."""
    named: dict[str, C] = {}
    for spec in specs:
        name, others = spec.kind, 0
        while name in named:
            others += 1
            name = f"{spec.kind}_{others}"
        named[name] = spec
    return named
