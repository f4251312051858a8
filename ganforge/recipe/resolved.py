"""Every value of a recipe with the place that it came from, for `ganforge show --resolved`."""

from __future__ import annotations

from typing import NamedTuple

from ganforge.errors import dotted_path
from ganforge.fields.scalars import shown
from ganforge.recipe.load import LoadedRecipe


class ResolvedLine(NamedTuple):
    """One row: `stages[0].steps`, `100`, `recipes/x.yaml:31:12`."""

    path: str
    value: str
    origin: str


def resolved_lines(loaded: LoadedRecipe) -> list[ResolvedLine]:
    """One row for each value of the recipe, defaults included, in the order of the recipe's fields."""
    return [ResolvedLine(dotted_path(path), shown(value), str(loaded.origins[path])) for path, value in loaded.values()]
