"""Keeps paths out of a page: whoever shares it should not tell where, and under which names, pictures lie."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: Stands where a path was.
PATH = "PATH"

#: Keys of a recipe whose text is for readers, so that a slash in it means no path.
_PROSE = frozenset({"description"})
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
#: What follows a path within its word, but for the sign that ends a sentence.
_REST = r"[^\s'\"<>|;,()\[\]{}]*(?<![.:])"
#: `/x`, `~/x`, `../x`, `C:\x`, `\\server\x`, `file:///x` where a word begins; no `G/D`, no part of an address.
_IN_TEXT = re.compile(rf"(?<![\w/\\.:~<-])(?:file://|~\w*|\.{{1,2}}|[A-Za-z]:)?[/\\](?=[^\s/])(?!>){_REST}")
_ACCOUNT = re.compile(r"(?<=://)[^\s/@]+@")


class Hider:
    """Replaces paths in texts: those that it knows, whatever they look like, and what looks like one."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """known: paths, as they stand in the recipe; also relative ones and such with blanks."""
        # a word of one letter, such as `.`, would be found everywhere
        self.known = frozenset(path for path in known if len(path) > 2)
        longest_first = sorted(self.known, key=len, reverse=True)
        self._known = [re.compile(rf"(?<!\w){re.escape(path)}(?!\w){_REST}") for path in longest_first]

    @classmethod
    def of_all(cls, hiders: Iterable[Hider]) -> Hider:
        """Knows what any of them knows."""
        return cls(path for hider in hiders for path in hider.known)

    def __call__(self, text: str) -> str:
        """The text with `PATH` for each path, and without accounts in addresses."""
        for pattern in self._known:
            text = pattern.sub(PATH, text)
        return _ACCOUNT.sub("", _IN_TEXT.sub(PATH, text))

    def recipe(self, value: Any, key: str | int | None = None) -> Any:
        """A recipe, or a part of it, as plain data; a text with a slash in it is a path, but for descriptions."""
        if isinstance(value, dict):
            return {each: self.recipe(child, each) for each, child in value.items()}
        if isinstance(value, list | tuple):
            return [self.recipe(child, key) for child in value]
        if not isinstance(value, str):
            return value
        is_path = key not in _PROSE and bool(re.search(r"[/\\]", value)) and not _URL.match(value)
        return PATH if is_path else self(value)

    def override(self, text: str) -> str:
        """`data.root=PATH` of `data.root=/data/x`."""
        key, equals, value = text.partition("=")
        is_one = not value.startswith(("{", "["))
        return f"{key}{equals}{self.recipe(value, key.split('.')[-1]) if is_one else self(value)}"


def paths_in(value: Any) -> set[str]:
    """Every path in the values of a validated recipe (`model_dump()`)."""
    if isinstance(value, Path):
        return {str(value)}
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return {path for child in children for path in paths_in(child)}
