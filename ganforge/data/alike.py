"""Names of classes that may be meant as one."""

from __future__ import annotations

from collections.abc import Iterable

#: What to do about them.
ADVICE = (
    "If they are one class, write one name in the table, or put the pictures into one folder: `classes` can't join two."
)


def alike_classes(names: Iterable[str]) -> list[str]:
    """`the classes 'Sick', 'sick ' differ only in case or spaces` for each group that does, in order."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault("".join(name.split()).casefold(), []).append(name)
    return [
        f"the classes {', '.join(map(repr, group))} differ only in case or spaces"
        for group in groups.values()
        if len(group) > 1
    ]
