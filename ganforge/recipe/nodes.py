"""A recipe as it was written: plain values, each with the place that it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ganforge.errors import Problem, dotted_path
from ganforge.fields.scalars import Scalar

#: A step into a mapping (a key) or into a list (an index).
Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value came from: a place in a file, an override of the command line, or (all None) a default."""

    file: Path | None = None
    line: int | None = None
    column: int | None = None
    override: str | None = None

    def __str__(self) -> str:
        """`recipes/x.yaml:31:9`, `override 'seed=3'` or `default`."""
        if self.override is not None:
            return f"override '{self.override}'"
        return "default" if self.file is None else f"{self.file}:{self.line}:{self.column}"

    def problem(self, message: str, path: Steps = ()) -> Problem:
        """A problem at this place; one that an override caused says so at the end of its message."""
        if self.override is not None:
            return Problem(f"{message} Set by the override '{self.override}'.", path)
        return Problem(message, path, self.file, self.line, self.column)


DEFAULT = Origin()


@dataclass(frozen=True)
class Node:
    """One value: a scalar, a list of nodes, or a mapping from keys to nodes."""

    value: Scalar | Sequence[Node] | Mapping[str | int, Node]
    origin: Origin
    #: Of a mapping: where each key stands.
    key_origins: Mapping[str | int, Origin] = field(default_factory=lambda: MappingProxyType({}))

    def child(self, step: str | int) -> Node | None:
        """What stands under a key or an index, or None."""
        if isinstance(self.value, Mapping):
            return self.value.get(self.written_key(step))
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None

    def written_key(self, step: str | int) -> str | int:
        """The key of a mapping that `step` means: JSON and dotted paths have "3" where YAML has the integer 3."""
        if not isinstance(self.value, Mapping) or step in self.value or not isinstance(step, str):
            return step
        return int(step) if step.isdecimal() and len(step) < 10 and int(step) in self.value else step

    def plain(self) -> Any:
        """The value as dicts, lists and scalars, without places."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def with_child(self, step: str | int, child: Node, key_origin: Origin) -> Node:
        """A copy in which `child` stands at `step`. The original stays: aliases may show it at other places too."""
        if isinstance(self.value, list):
            assert isinstance(step, int)
            return replace(self, value=[*self.value[:step], child, *self.value[step + 1 :]])
        old = self.value if isinstance(self.value, Mapping) else {}
        return replace(self, value={**old, step: child}, key_origins={**self.key_origins, step: key_origin})

    def place(self, path: Steps) -> Origin:
        """Where to point for `path`: at a scalar or a list item itself, at the key of a mapping or list.

        Where the path leads to what isn't written, the nearest part of it that is.
        """
        return self._follow(path)[1]

    def problem(self, message: str, path: Steps) -> Problem:
        """A problem with what stands at `path`; one with a part of the file names the overrides within that part."""
        node, origin, rest = self._follow(path)
        changed = dict.fromkeys(node._overrides(path, origin)) if path and not rest else {}
        return origin.problem(" ".join([message, *changed]), path)

    def _overrides(self, path: Steps, of_all: Origin) -> Iterator[str]:
        """A sentence for each part that was set by an override, other than the one that set all."""
        items = self.value.items() if isinstance(self.value, Mapping) else ()
        for step, child in [*items, *(enumerate(self.value) if isinstance(self.value, list) else ())]:
            here = (*path, step)
            if child.origin.override not in {None, of_all.override}:
                yield f"{dotted_path(here)} is set by the override '{child.origin.override}'."
            else:
                yield from child._overrides(here, of_all)

    def key_place(self, path: Steps) -> Origin:
        """Where the key stands that `path` ends in; like `place` where it ends in none."""
        parent, _, rest = self._follow(path[:-1])
        return parent.key_origins.get(path[-1], self.place(path)) if path and not rest else self.place(path)

    def leaf_origin(self, path: Steps) -> Origin:
        """Where the value of `path` came from; what no mapping mentions is a default."""
        node, origin, rest = self._follow(path)
        return DEFAULT if rest and isinstance(node.value, Mapping | None) else origin

    def _follow(self, path: Steps) -> tuple[Node, Origin, Steps]:
        """The deepest node on the path, where it stands, and the steps that could not be taken."""
        node, origin = self, self.origin
        for i, step in enumerate(path):
            child = node.child(step)
            if child is None:
                return node, origin, path[i:]
            is_entry = isinstance(node.value, Mapping) and isinstance(child.value, Mapping | list)
            origin = node.key_origins[node.written_key(step)] if is_entry else child.origin
            node = child
        return node, origin, ()
