"""Numbers of a recipe are numbers: what pydantic takes for one, such as `true` or '5' in quotes, is a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pydantic_core import PydanticKnownError, core_schema

#: Parts of a core schema that are left alone: values and remarks, in which a mapping is no schema, and the keys of
#: mappings, which JSON has as text.
_LEFT_ALONE = frozenset({"default", "metadata", "expected", "serialization", "keys_schema"})


def _guard(kind: str) -> Callable[[Any], Any]:
    def numbers_only(value: Any) -> Any:
        if isinstance(value, bool | str | bytes):
            raise PydanticKnownError("int_type" if kind == "int" else "float_type")
        return value

    return numbers_only


_GUARDS = {kind: _guard(kind) for kind in ("int", "float")}


def only_numbers(part: Any) -> None:
    """Make the integers and floats of a core schema refuse booleans and text, in place.

    Pydantic's `strict` would refuse 1e3 as an integer too. Other specs that it refers to look after their own.
    """
    steps = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    for step in steps:
        child = part[step]
        if step in _LEFT_ALONE or not isinstance(child, dict | list):
            continue
        if isinstance(child, dict) and child.get("type") in _GUARDS:
            guard = _GUARDS[child["type"]]
            part[step] = core_schema.no_info_before_validator_function(guard, cast("core_schema.CoreSchema", child))
        elif not _is_guarded(child):
            only_numbers(child)


def _is_guarded(schema: Any) -> bool:
    """Whether it is an integer or float that was looked after before: pydantic uses the schemas of classes again."""
    function = schema.get("function") if isinstance(schema, dict) else None
    return isinstance(function, dict) and function.get("function") in _GUARDS.values()
