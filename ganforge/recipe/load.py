"""A recipe from its file: every value checked, every problem with its place."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from ganforge.errors import Problem, RecipeError, dotted_path
from ganforge.recipe import yaml
from ganforge.recipe.messages import in_order, problems_of
from ganforge.recipe.models import Recipe
from ganforge.recipe.nodes import Node, Origin, Steps
from ganforge.recipe.overrides import apply_overrides
from ganforge.recipe.providers import plugins_of
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
    def plugins(self) -> Mapping[str, Sequence[str]]:
        """See `ganforge.recipe.providers.plugins_of`."""
        return plugins_of(self.recipe, self.components)

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

        Where an override decided the value, the message says so and there is no line; where one decided a part of it,
        the message says which.
        """
        if problem.file is not None:
            return problem
        related = [f"{dotted_path(path)} is set by {self._source(path)}" for path in problem.related]
        message = f"{problem.message} {'; '.join(related)}." if related else problem.message
        return self.written.problem(message, problem.path)

    def _source(self, path: Steps) -> str:
        """`the override 'seed=3'`, `line 31` of the recipe, or `default`."""
        origin = self.written.leaf_origin(path)
        if origin.override is not None:
            return f"the override '{origin.override}'"
        return "default" if origin.line is None else f"line {origin.line}"

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
        raise RecipeError([Problem("is empty, but a recipe has keys such as name, data and stages.", file=file)])
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
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise RecipeError([Problem("does not exist.", file=file)]) from None
    except (OSError, ValueError) as error:  # a name that is too long, a folder above it that is closed
        raise RecipeError([Problem(f"can't be read: {getattr(error, 'strerror', error)}.", file=file)]) from error
    if not stat.S_ISREG(mode):
        what = "a folder, not a recipe" if stat.S_ISDIR(mode) else "not a regular file"
        raise RecipeError([Problem(f"is {what}.", file=file)])
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
