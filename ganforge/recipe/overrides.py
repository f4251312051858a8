"""Values of a recipe changed from the command line: `stages[0].steps=100`.

The key is names joined by dots, with `[i]` for the i-th item of a list, counted from 0. A name can hold anything
but `.`, `[`, `]` and `=`. The value is read as follows, so that a path comes through whatever characters it has:

1. A value that starts with `[`, `{`, `"` or `'` is a YAML list, mapping or quoted text if all of it is
   well formed, and text if not: `training.regularisers=[]`, `generator.mapping={kind: mlp, layers: 8}`.
   Braces without a colon in them (`{x}`) are text, except `{}`, the empty mapping.
2. Everything else is one word of YAML: a number, `true`, `false`, `null`, or text. Text is kept as it stands:
   ` #`, `: `, `*`, `!` and backslashes mean nothing in it. `~` and nothing at all are text too, not null.

Blanks around the key and the value are dropped; put a value in quotes to keep them, or to keep a number as text
(`name='"2024"'` in a shell).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ganforge.errors import Problem, RecipeError, did_you_mean, dotted_path
from ganforge.fields.scalars import scalar, shown
from ganforge.recipe.nodes import Node, Origin, Steps
from ganforge.recipe.yaml import parse_whole

_STEP = re.compile(r"(?P<name>[^.\[\]]+)|\[(?P<index>[0-9]{1,9})\]")
_BRACES_WITHOUT_COLON = re.compile(r"\{[^:]*[^:\s][^:]*\}")


def apply_overrides(root: Node, overrides: Sequence[str]) -> tuple[Node, list[Problem]]:
    """The recipe with every override that fits, in order, and a problem for each that does not."""
    problems: list[Problem] = []
    for text in overrides:
        try:
            path, value = parse_override(text)
            root = _replaced(root, path, value, text)
        except RecipeError as error:
            problems += error.problems
    return root, problems


def parse_override(text: str) -> tuple[Steps, Node]:
    """The path and the new value of `key=value`. Raises RecipeError for a key that is not one."""
    key, equals, value = text.partition("=")
    path = parse_path(key.strip())
    if not equals or not path:
        raise RecipeError(f"the override '{text}' must be KEY=VALUE, such as training.batch=16 or stages[0].steps=100.")
    return path, _value(value.strip(), Origin(override=text))


def parse_path(text: str) -> Steps:
    """`stages[0].steps` as ("stages", 0, "steps"); () for text that is no path."""
    path: list[str | int] = []
    position = 0
    while position < len(text):
        if path and text[position] == ".":
            position += 1
            wants_name = True
        else:
            wants_name = not path
        match = _STEP.match(text, position)
        if match is None or (match["name"] is not None) != wants_name:
            return ()
        path.append(match["name"] if wants_name else int(match["index"]))
        position = match.end()
    return tuple(path)


def _value(text: str, origin: Origin) -> Node:
    if text[:1] in {"[", "{", '"', "'"} and not _BRACES_WITHOUT_COLON.fullmatch(text):
        return parse_whole(text, origin) or Node(text, origin)
    return Node(text if text in {"", "~"} else scalar(text), origin)


def _replaced(node: Node, path: Steps, value: Node, override: str, done: Steps = ()) -> Node:
    """A copy of the tree with `value` at `path`; mappings that are missing (or null) on the way are made."""
    if not path:
        return value
    step, here = path[0], (*done, path[0])
    name = dotted_path(done)
    if isinstance(node.value, list):
        if not isinstance(step, int):
            raise _refusal(override, f"{name} is a list, so an index must follow: {name}[0].")
        if step >= len(node.value):
            length = "is empty" if not node.value else f"ends with {name}[{len(node.value) - 1}]"
            raise _refusal(override, f"there is no {dotted_path(here)}: the list {length}.")
    elif isinstance(node.value, Mapping | None):
        step = node.written_key(step)
        if isinstance(step, int) and node.child(step) is None:
            names = (
                f", such as {name}.{next(iter(node.value))}" if isinstance(node.value, Mapping) and node.value else ""
            )
            raise _refusal(override, f"{name} is no list, so a name must follow{names}.")
    else:
        raise _refusal(override, f"{name} is a single value ({shown(node.value)}), so the key must end there.")
    origin = Origin(override=override)
    child = node.child(step) or Node({}, origin)
    if node.child(step) is None and len(path) > 1 and isinstance(path[1], int):
        name = dotted_path(here)
        meant = did_you_mean(str(step), [key for key in node.value or () if isinstance(key, str)])
        raise _refusal(override, f"there is no list {name}.{meant or f' A list is begun whole: {name}=[...].'}")
    key_origin = node.key_origins.get(step, origin) if len(path) > 1 else origin
    return node.with_child(step, _replaced(child, path[1:], value, override, here), key_origin)


def _refusal(override: str, message: str) -> RecipeError:
    return RecipeError(f"override '{override}': {message}")
