"""YAML 1.2 with places and limits: the only module that imports a YAML library.

Recipes are plain data: no tags, no merge keys, no second document. A file may be 1 MB long and 32 levels deep,
hold 64 aliases and 100,000 values, each value counted as often as aliases repeat it. All of that is checked while
the text is read, so that a hostile file costs no more time than an honest one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.scanner import Scanner, ScannerError

from ganforge.errors import Problem, RecipeError
from ganforge.fields.scalars import scalar
from ganforge.recipe.nodes import Node, Origin

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_ALIASES = 64
MAX_VALUES = 100_000

_TOO_DEEP = f"more than {MAX_DEPTH} levels deep; a recipe needs fewer than ten."
_TOO_MANY = f"more than {MAX_VALUES:,} values, aliases counted as often as they repeat; a recipe needs a few hundred."

#: (line, column), both from 1 -> where that is.
At = Callable[[int, int], Origin]

#: What separates values. Each value but the first needs one of these, or a `- ` that is bounded by the depth.
_SEPARATOR = re.compile(r"[,:\n\r\[{]")

#: Complaints of the library that need other words for someone who never read the YAML specification.
_PLAIN_WORDS = {
    "mapping values are not allowed here": "a ': ' stands where no key can be. Quote the text, or check the indent.",
    "found character '\\t' that cannot start any token": "a tab stands where only spaces can be. Indent with spaces.",
}


def parse(text: str, at: At) -> Node:
    """The one document in `text`. Raises RecipeError with all that is wrong, or with the first syntax error."""
    return _parse(text, at)[0]


def parse_whole(text: str, origin: Origin) -> Node | None:
    """The value that `text` is from its first to its last character; None if it isn't, or ends in a comment."""
    try:
        root, end = _parse(text, lambda line, column: origin)
    except RecipeError:
        return None
    return root if end == len(text) else None


def _parse(text: str, at: At) -> tuple[Node, int]:
    """The document, and the number of characters up to its last value."""
    _refuse_if_huge(text, at)
    library = YAML(typ="safe", pure=True)
    library.Scanner = _Scanner
    builder = _Builder(library.parse(text), at)
    try:
        root = builder.document()
    except ReaderError as error:
        message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML."
        raise RecipeError([_at_index(text, error.position, at).problem(message)]) from error
    except MarkedYAMLError as error:
        raise RecipeError([_syntax_problem(error, at)]) from error
    except YAMLError as error:
        raise RecipeError([at(1, 1).problem(f"not valid YAML: {error}")]) from error
    if builder.problems:
        raise RecipeError(sorted(builder.problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
    return root, builder.end


def _at_index(text: str, index: int, at: At) -> Origin:
    before = text[:index]
    return at(before.count("\n") + 1, len(before) - before.rfind("\n"))


def dump(data: Any) -> str:
    """Block-style YAML of dicts, lists and scalars, in their order; `parse` gives the same values back."""
    library = YAML(typ="safe", pure=True)
    library.default_flow_style = False
    library.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    library.width = 10**9
    library.Representer = _Representer
    stream = io.StringIO()
    library.dump(data, stream)
    return stream.getvalue()


class _TooMuchError(MarkedYAMLError):
    """A limit is passed; the message is for the user as it stands."""


class _Scanner(Scanner):
    """Refuses deep brackets before it looks for the end of each: that search takes quadratic time."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803
        if len(self.flow_context) >= MAX_DEPTH:
            raise _TooMuchError(problem=_TOO_DEEP, problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)


class _Representer(SafeRepresenter):
    """Quotes all text that `scalar` takes for something else, or that holds characters one can't see.

    The library leaves some of both unquoted: `.0E0`, which it reads as text, and the line break U+0085.
    """


def _represent_text(representer: SafeRepresenter, text: str) -> Any:
    style = '"' if not text.isprintable() else None if scalar(text) == text else "'"
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Representer.add_representer(str, _represent_text)


class _Builder:
    """Nodes from the events of the library. Goes on after what it can complain about and still understand."""

    def __init__(self, events: Iterator[Event], at: At) -> None:
        self._events = events
        self._at = at
        #: Anchor -> node, values in it, levels in it.
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._num_values = 0
        self._num_aliases = 0
        self.problems: list[Problem] = []
        #: Number of characters up to the last event of the document's content.
        self.end = 0

    def _next(self) -> Event:
        event = next(self._events)
        self.end = event.end_mark.index
        return event

    def document(self) -> Node:
        next(self._events)  # start of the stream
        start = next(self._events)
        if isinstance(start, StreamEndEvent):
            return Node(None, self._at(1, 1))
        assert isinstance(start, DocumentStartEvent)
        if start.version not in {None, (1, 2)}:
            self._complain(start, "recipes are YAML 1.2. Remove the %YAML line.")
        root, _ = self._node(self._next(), 0)
        next(self._events)  # end of the document
        second = next(self._events)
        if not isinstance(second, StreamEndEvent):
            self._complain(second, "a second document starts here, but a recipe is one document.")
        return root

    def _node(self, event: Event, depth: int) -> tuple[Node, int]:
        """The node that starts with `event`, `depth` levels down, and the number of levels in it."""
        if isinstance(event, AliasEvent):
            return self._alias(event, depth)
        before = self._num_values
        self._count(event, 1)
        tag_handle = getattr(event, "ctag", None)
        if tag_handle is not None:
            tag = str(tag_handle).replace("tag:yaml.org,2002:", "!!")
            self._complain(event, f"the tag '{tag}' is not allowed: recipes are plain data.")
        if isinstance(event, ScalarEvent):
            is_plain = event.implicit[0] and event.style is None
            node, levels = Node(scalar(event.value) if is_plain else event.value, self._origin(event)), 0
        elif depth >= MAX_DEPTH:
            raise _TooMuchError(problem=_TOO_DEEP, problem_mark=event.start_mark)
        elif isinstance(event, SequenceStartEvent):
            node, levels = self._list(event, depth)
        else:
            assert isinstance(event, MappingStartEvent)
            node, levels = self._mapping(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self._num_values - before, levels)
        return node, levels

    def _alias(self, event: AliasEvent, depth: int) -> tuple[Node, int]:
        self._num_aliases += 1
        if self._num_aliases > MAX_ALIASES:
            raise _TooMuchError(problem=f"more than {MAX_ALIASES} aliases.", problem_mark=event.start_mark)
        if event.anchor not in self._anchors:
            self._complain(event, f"the alias '*{event.anchor}' stands for nothing that is complete before it.")
            return Node(None, self._origin(event)), 0
        node, num_values, levels = self._anchors[event.anchor]
        self._count(event, num_values)
        if depth + levels > MAX_DEPTH:
            raise _TooMuchError(problem=_TOO_DEEP, problem_mark=event.start_mark)
        return node, levels

    def _list(self, start: SequenceStartEvent, depth: int) -> tuple[Node, int]:
        items, levels = [], 0
        while not isinstance(event := self._next(), SequenceEndEvent):
            item, below = self._node(event, depth + 1)
            items.append(item)
            levels = max(levels, below)
        return Node(items, self._origin(start)), levels + 1

    def _mapping(self, start: MappingStartEvent, depth: int) -> tuple[Node, int]:
        items: dict[str | int, Node] = {}
        places: dict[str | int, Origin] = {}
        levels = 0
        while not isinstance(event := self._next(), MappingEndEvent):
            key_node, _ = self._node(event, depth + 1)
            value, below = self._node(self._next(), depth + 1)
            levels = max(levels, below)
            key = key_node.value
            if not isinstance(event, ScalarEvent) or isinstance(key, bool) or not isinstance(key, str | int):
                self._complain(event, "a key must be text: put it in quotes.")
            elif key == "<<" and event.style is None:
                self._complain(event, "merge keys ('<<') are not part of YAML 1.2. Write the keys out.")
            elif key in items:
                first = places[key]
                self._complain(event, f"the key '{key}' is given twice, first at {first.line}:{first.column}.")
            else:
                items[key], places[key] = value, self._origin(event)
        return Node(items, self._origin(start), places), levels + 1

    def _count(self, event: Event, num_values: int) -> None:
        self._num_values += num_values
        if self._num_values > MAX_VALUES:
            raise _TooMuchError(problem=_TOO_MANY, problem_mark=event.start_mark)

    def _origin(self, event: Event) -> Origin:
        return self._at(event.start_mark.line + 1, event.start_mark.column + 1)

    def _complain(self, event: Event, message: str) -> None:
        self.problems.append(self._origin(event).problem(message))


def _refuse_if_huge(text: str, at: At) -> None:
    """Raises RecipeError for text with so many separators that it can't be a recipe, without parsing it."""
    if len(text) <= MAX_VALUES:
        return
    for count, match in enumerate(_SEPARATOR.finditer(text)):
        if count >= MAX_VALUES:
            raise RecipeError([_at_index(text, match.start(), at).problem(_TOO_MANY)])


def _syntax_problem(error: MarkedYAMLError, at: At) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = at(mark.line + 1, mark.column + 1) if mark is not None else at(1, 1)
    if isinstance(error, _TooMuchError):
        return place.problem(str(error.problem))
    if isinstance(error, ScannerError) and error.problem in _PLAIN_WORDS:
        return place.problem(_PLAIN_WORDS[error.problem])
    context = error.context or ""
    if context and error.context_mark is not None:
        context += f" that starts at {error.context_mark.line + 1}:{error.context_mark.column + 1}"
    return place.problem(f"not valid YAML: {context}{': ' if context else ''}{error.problem}.")
