"""Values are what they look like, where pydantic would take `true` and '5' for numbers, and 1 and 'on' for `true`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import PydanticKnownError, core_schema

#: Parts of a core schema that are left alone: values and remarks, in which a mapping is no schema, and the keys of
#: mappings, which JSON has as text.
_LEFT_ALONE = frozenset({"default", "metadata", "expected", "serialization", "keys_schema"})


@dataclass(frozen=True)
class _Guard:
    """Stands in front of the validator of a type, and raises its error for what doesn't fit."""

    fits: Callable[[Any], bool]
    error: Any
    context: dict[str, Any] | None = None

    def __call__(self, value: Any) -> Any:
        if not self.fits(value):
            raise PydanticKnownError(self.error, self.context)
        return value


def _guard(schema: dict[str, Any]) -> _Guard | None:
    """For numbers, booleans, and choices among such; None for all else."""
    kind = schema.get("type")
    if kind in {"int", "float"}:
        return _Guard(lambda value: not isinstance(value, bool | str | bytes), f"{kind}_type")
    if kind == "bool":
        return _Guard(lambda value: isinstance(value, bool), "bool_type")
    if kind == "literal" and any(isinstance(each, int) for each in schema["expected"]):
        return _choice(schema["expected"])
    return None


def _choice(expected: list[Any]) -> _Guard:
    """To Python, 1 is among `true` and `false`, and `true` among 1, 2 and 4."""

    def fits(value: Any) -> bool:
        same = [isinstance(each, bool) for each in expected if each == value]
        return not same or isinstance(value, bool) in same

    *most, last = map(repr, expected)
    return _Guard(fits, "literal_error", {"expected": f"{', '.join(most)} or {last}" if most else last})


def be_exact(part: Any) -> None:
    """Make the numbers and booleans of a core schema refuse what only looks like one, in place.

    Pydantic's `strict` would refuse 1e3 as an integer and text as a path too. Other specs that it refers to look after
    their own.
    """
    steps = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for step in steps:
        child = part[step]
        if step in _LEFT_ALONE or not isinstance(child, dict | list):
            continue
        if isinstance(child, dict) and (guard := _guard(child)) is not None:
            part[step] = core_schema.no_info_before_validator_function(guard, cast("core_schema.CoreSchema", child))
        elif not _is_guarded(child):
            be_exact(child)


def _is_guarded(schema: Any) -> bool:
    """Whether it was looked after before: pydantic uses the schemas of classes again."""
    function = schema.get("function") if isinstance(schema, dict) else None
    return isinstance(function, dict) and isinstance(function.get("function"), _Guard)
