"""Names of classes that may be meant as one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

#: What to do about them.
ADVICE = (
    "If they are one class, write one name in the table, or put the pictures into one folder: `classes` can't join two."
)


def alike_classes(names: Iterable[str]) -> list[str]:
    """`the classes 'Sick', 'sick ' differ only in case or spaces` for each group that does, in order.

    Or `in case, spaces or how characters are written`: in one or in two, in full or half width, with others that no eye
    sees; what looks the same is then shown as escapes.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_folded(_composed(name)), []).append(name)
    return [_told(group) for group in groups.values() if len(group) > 1]


def _told(group: list[str]) -> str:
    if len(set(map(_folded, group))) == 1:
        return f"the classes {', '.join(map(repr, group))} differ only in case or spaces"
    return f"the classes {', '.join(map(ascii, group))} differ only in case, spaces or how characters are written"


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _composed(name: str) -> str:
    """As it looks: NFKC without format characters, such as a space of no width."""
    return unicodedata.normalize("NFKC", "".join(c for c in name if unicodedata.category(c) != "Cf"))
