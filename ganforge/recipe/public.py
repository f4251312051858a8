"""The values of a recipe that may be told to others: none that says where something lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ganforge.errors import dotted_path
from ganforge.recipe.models import Recipe

Value = str | int | float | bool | None


def public_values(recipe: Recipe) -> dict[str, Value]:
    """Values by their keys as overrides have them, `stages[0].steps`; without paths, and texts that look like one.

    A path may name a patient, a colleague or a machine. Web addresses stay.
    """
    found: dict[str, Value] = {}
    _collect(recipe, (), found)
    return found


def _collect(value: Any, path: tuple[str | int, ...], found: dict[str, Value]) -> None:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            _collect(getattr(value, name), (*path, field.alias or name), found)
    elif isinstance(value, Mapping):
        for name, child in value.items():
            _collect(child, (*path, str(name)), found)
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            _collect(child, (*path, index), found)
    elif value is None or isinstance(value, bool | int | float) or (isinstance(value, str) and not _is_place(value)):
        found[dotted_path(path)] = value


def _is_place(text: str) -> bool:
    return (
        text.startswith(("/", "~", "./", "../", "file:", "\\\\"))
        or Path(text).is_absolute()
        or text[1:3] in (":\\", ":/")
    )
