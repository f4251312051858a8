"""What a shell offers at the tab key: recipes, runs, kinds of component. Quick, and silent about what it can't read."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from textwrap import shorten

import typer

_RECIPES = (".yaml", ".yml")
#: How deep below what was typed, and at how many entries, it is looked for: a tab key must not hang.
DEPTH, MOST_ENTRIES = 3, 5000


def complete_recipe(incomplete: str) -> list[str]:
    """Files that could be recipes; nothing where there is none, and the shell offers all files."""
    return sorted(path for path in _below(incomplete) if path.endswith(_RECIPES))


def complete_run(incomplete: str) -> list[str]:
    """Folders of runs; nothing where there is none."""
    found = [os.path.dirname(path) for path in _below(incomplete) if os.path.basename(path) == "run.json"]  # noqa: PTH119, PTH120
    return sorted(path for path in found if path.startswith(incomplete))


def complete_family(incomplete: str) -> list[str]:
    """Kinds of component."""
    from ganforge.registry import FAMILIES

    return [family for family in FAMILIES if family.startswith(incomplete)]


def complete_component(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Components of the kind in front, each with its summary. Those of `-p` files are left out: they would be run."""
    from ganforge import plugins
    from ganforge.registry import FAMILIES

    family = context.params.get("family")
    if family not in FAMILIES:
        return []
    # longer ones would be broken into lines, which a shell takes for answers of their own
    return [
        (name, shorten(spec.summary(), 50, placeholder=" ..."))
        for name, spec, _ in plugins.load()[family]
        if name.startswith(incomplete)
    ]


def _below(incomplete: str) -> Iterator[str]:
    """Files that begin with what was typed or lie below such folders, as they would be typed; no hidden ones."""
    folder, begin = os.path.split(incomplete)
    waiting, num_seen = deque([(folder, begin, 0)]), 0
    while waiting:
        folder, begin, depth = waiting.popleft()
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                num_seen += 1
                if num_seen > MOST_ENTRIES:
                    return
                if not entry.name.startswith(begin) or entry.name.startswith("."):
                    continue
                path = os.path.join(folder, entry.name)  # noqa: PTH118 - as it was typed, ./ and all
                if not entry.is_dir():
                    yield path
                elif depth < DEPTH:
                    waiting.append((path, "", depth + 1))
