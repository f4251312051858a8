"""Pydantic's complaints about a recipe as problems in plain English, each at the place that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from ganforge.errors import Problem, did_you_mean
from ganforge.fields.scalars import shown
from ganforge.recipe.fields import model_at
from ganforge.recipe.nodes import Node, Steps
from ganforge.registry import Components

_INTEGER, _NUMBER, _TEXT, _BOOLEAN = "an integer", "a number", "text", "true or false"
_LIST, _MAPPING, _PATH = "a list", "a mapping of keys to values", "a path"

#: Type of error -> what the value must be; `{name}` stands for an entry of the error's context.
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _INTEGER),
    **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
    "finite_number": "a finite number",
    **dict.fromkeys(("string_type", "string_unicode"), _TEXT),
    **dict.fromkeys(("bool_type", "bool_parsing"), _BOOLEAN),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), _MAPPING),
    **dict.fromkeys(("path_type",), _PATH),
    "none_required": "null",
    **dict.fromkeys(("literal_error", "enum"), "{expected}"),
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
}


@dataclass(frozen=True)
class _Finding:
    """One complaint: about what, and in which words; `expected` and `found` where it is about a value."""

    path: Steps
    message: str
    is_about_key: bool = False
    expected: str = ""
    found: str = ""
    advice: str = ""
    #: The key that has no value, where that is the complaint.
    missing: str | int = ""


#: Mistakes that are told at once: what a text of a megabyte can hold would take hours to compare.
MOST = 200


def problems_of(error: ValidationError, root: Node, model: type[BaseModel], components: Components) -> list[Problem]:
    """All problems of a recipe that did not validate, in the order of the file, those of overrides last."""
    everything = error.errors(include_url=False)
    items = everything[:MOST]
    findings = [_finding(item, root, model, components) for item in items if not _is_consequence(item, items)]
    problems = []
    for finding in dict.fromkeys(_merged(findings)):
        if _is_misspelt(finding, findings) or _is_other_member(finding, findings):
            continue
        if finding.is_about_key:
            problems.append(root.key_place(finding.path).problem(finding.message, finding.path))
        else:
            problems.append(root.problem(finding.message, finding.path))
    more = len(everything) - len(items)
    return [*in_order(problems), *([Problem(f"and {more:,} more, to be told when these are mended.")] if more else [])]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sorted by place; those without one come last, as they came."""
    return sorted(problems, key=lambda problem: (problem.file is None, problem.line or 0, problem.column or 0))


def _finding(item: Any, root: Node, model: type[BaseModel], components: Components) -> _Finding:
    kind, location, context = item["type"], item["loc"], item.get("ctx", {})
    path = _written_path(root, location)
    if kind == "missing":
        name = location[-1]
        what = f"a value for '{name}'" if isinstance(name, str) else f"at least {name + 1} items"
        return _Finding(_written_path(root, location[:-1]), f"needs {what}.", missing=name)
    if kind in {"extra_forbidden", "invalid_key"}:  # the latter is a number, which no field's name is
        return _Finding(path, _unknown_key(location, root, model, components), is_about_key=True)
    if kind == "unknown_kind":
        return _Finding((*path, "kind"), item["msg"])
    if kind in {"value_error", "assertion_error"}:
        return _Finding(path, str(context["error"]))
    if kind in {"too_short", "too_long"}:
        number = context["min_length"] if kind == "too_short" else context["max_length"]
        limit = f"{'at least' if kind == 'too_short' else 'at most'} {number} {'item' if number == 1 else 'items'}"
        return _Finding(path, f"must have {limit}, not {context['actual_length']}.")
    return _about_value(item, path)


def _about_value(item: Any, path: Steps) -> _Finding:
    kind, context, value = item["type"], item.get("ctx", {}), item["input"]
    is_about_key = item["loc"][-1:] == ("[key]",)
    found, advice = _described(value), ""
    if kind in _EXPECTED:
        whole = {name: int(limit) for name, limit in context.items() if isinstance(limit, float) and limit.is_integer()}
        expected = _EXPECTED[kind].format_map({**context, **whole})
    elif item["msg"].startswith("Input should be "):
        expected = item["msg"].removeprefix("Input should be ")
    else:  # registered types such as `component`, and those of plugins, bring sentences of their own
        return _Finding(path, item["msg"], is_about_key)
    if kind == "string_type" and isinstance(value, int | float):
        advice = " Put it in quotes."
    if kind == "string_too_short" and context["min_length"] == 1:
        expected, found = "text", "empty"
    if kind == "literal_error" and isinstance(value, str):
        advice = did_you_mean(value, re.findall(r"'([^']*)'", expected))
    return _worded(_Finding(path, "", is_about_key, expected, found, advice))


def _worded(finding: _Finding) -> _Finding:
    return replace(finding, message=f"must be {finding.expected}, not {finding.found}.{finding.advice}")


def _is_consequence(item: Any, items: Iterable[Any]) -> bool:
    """Pydantic leaves invalid items out before it counts them, so that a list that holds one may look too short."""
    location = item["loc"]
    return item["type"] == "too_short" and any(
        other["loc"][: len(location)] == location and len(other["loc"]) > len(location) for other in items
    )


def _is_misspelt(finding: _Finding, findings: list[_Finding]) -> bool:
    """The missing key is there, under an unknown name that another finding puts right: one mistake, one problem."""
    advice = f"Did you mean '{finding.missing}'?"
    return bool(finding.missing) and any(
        other.is_about_key and other.path[:-1] == finding.path and advice in other.message for other in findings
    )


def _is_other_member(finding: _Finding, findings: list[_Finding]) -> bool:
    """A member of a union refuses the form of the value, where another one complains of a part or of what it says."""
    size = len(finding.path)
    return finding.found in {"a list", "a mapping"} and any(
        other.path[:size] == finding.path and (len(other.path) > size or not (other.expected or other.is_about_key))
        for other in findings
    )


def _merged(findings: list[_Finding]) -> list[_Finding]:
    """One finding for the members of a union that all refuse the same value: `must be an integer or text, not []`."""
    merged: dict[tuple[Any, ...], _Finding] = {}
    for index, finding in enumerate(findings):
        key = (finding.path, finding.is_about_key, finding.found) if finding.expected else (index,)
        first = merged.get(key)
        if first is None:
            merged[key] = finding
        elif finding.expected not in first.expected.split(" or "):
            expected = f"{first.expected} or {finding.expected}"
            merged[key] = _worded(replace(first, expected=expected, advice=first.advice or finding.advice))
    return list(merged.values())


def _written_path(root: Node, location: tuple[str | int, ...]) -> Steps:
    """Pydantic's location without what isn't in the recipe: the tags of unions and `[key]`."""
    node = root
    path: list[str | int] = []
    for step in location:
        child = node.child(step)
        if child is not None:
            path.append(step)
            node = child
    return tuple(path)


def _unknown_key(location: tuple[str | int, ...], root: Node, model: type[BaseModel], components: Components) -> str:
    key = str(location[-1])
    owner = model_at(model, root, location[:-1], components)
    if owner is None:
        return f"unknown key '{key}'."
    known = sorted(field.alias or name for name, field in owner.model_fields.items())
    return f"unknown key '{key}'.{did_you_mean(key, known)} Known keys: {', '.join(known)}."


def _described(value: Any) -> str:
    """What was found, as users wrote it: 'abc', 3, true, null, a list, a mapping."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = f"'{value}'" if isinstance(value, str) else shown(value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1] if isinstance(value, str) else ''}"
