"""A recipe from its file: every value checked, every problem with its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from ganforge.errors import Problem, RecipeError
from ganforge.recipe import yaml
from ganforge.recipe.messages import in_order, problems_of
from ganforge.recipe.models import Recipe
from ganforge.recipe.nodes import Node, Origin, Steps
from ganforge.recipe.overrides import apply_overrides
from ganforge.registry import Components


@dataclass(frozen=True)
class LoadedRecipe:
    """A valid recipe that still knows where each of its values came from."""

    recipe: Recipe
    file: Path
    overrides: tuple[str, ...]
    #: What was written, with the overrides in it.
    written: Node
    #: What its names were looked up in.
    components: Components

    @cached_property
    def origins(self) -> Mapping[Steps, Origin]:
        """Path of each leaf of the recipe, defaults included -> where its value came from."""
        leaves = _leaves(self.recipe.model_dump(mode="json"))
        return MappingProxyType({path: self.written.leaf_origin(path) for path, _ in leaves})

    def values(self) -> list[tuple[Steps, Any]]:
        """Path and value of each leaf (scalar, empty list or empty mapping), in the order of the recipe."""
        return _leaves(self.recipe.model_dump(mode="json"))

    def located(self, problem: Problem) -> Problem:
        """The problem with the file, line and column of its path, or of the nearest part of it that is written.

        Where an override decided the value, the message says so and there is no line.
        """
        if problem.file is not None:
            return problem
        return self.written.place(problem.path).problem(problem.message, problem.path)

    def error(self, problems: Iterable[Problem]) -> RecipeError:
        """One error with all the problems, located and sorted by place."""
        return RecipeError(in_order(self.located(problem) for problem in problems))


def load_recipe(file: Path, overrides: Sequence[str], components: Components) -> LoadedRecipe:
    """The recipe in `file` with `overrides` (`key=value`, see `ganforge.recipe.overrides`) applied in order.

    Raises RecipeError with every problem of the YAML text; where that is sound, with every problem of the
    overrides and of the values. The rules that tie values to each other are checked by `ganforge.plan.walk`.
    """
    top = Origin(file, 1, 1)
    root = yaml.parse(read_text(file), lambda line, column: Origin(file, line, column))
    if root.value is None:
        raise RecipeError(
            [Problem("the file is empty, but a recipe has keys such as name, data and stages.", file=file)]
        )
    if not isinstance(root.value, Mapping):
        raise RecipeError(
            [root.origin.problem("a recipe must be a mapping of keys to values, such as `name: first_try`.")]
        )
    root, problems = apply_overrides(replace(root, origin=top), overrides)
    try:
        recipe = Recipe.model_validate(root.plain(), context={"components": components})
    except ValidationError as error:
        raise RecipeError([*problems_of(error, root, Recipe, components), *problems]) from error
    if problems:
        raise RecipeError(problems)
    return LoadedRecipe(recipe, file, tuple(overrides), root, components)


def read_text(file: Path) -> str:
    """The text of a UTF-8 file of at most 1 MB. Raises RecipeError if it can't be read or is something else."""
    if file.is_dir():
        raise RecipeError([Problem("is a folder, not a recipe.", file=file)])
    if not file.exists():
        raise RecipeError([Problem("there is no such file.", file=file)])
    if not file.is_file():
        raise RecipeError([Problem("is not a regular file.", file=file)])
    try:
        with file.open("rb") as stream:
            data = stream.read(yaml.MAX_BYTES + 1)
    except OSError as error:
        raise RecipeError([Problem(f"can't be read: {error.strerror}.", file=file)]) from error
    if len(data) > yaml.MAX_BYTES:
        raise RecipeError([Problem("is larger than 1 MB; recipes have a few kilobytes.", (), file, 1, 1)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"not UTF-8: the byte 0x{data[error.start]:02x} can't be read. Save the file as UTF-8."
        raise RecipeError([Problem(message, (), file, line, column)]) from error


def _leaves(value: Any, path: Steps = ()) -> list[tuple[Steps, Any]]:
    if isinstance(value, dict | list) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for step, child in items for leaf in _leaves(child, (*path, step))]
    return [(path, value)]
