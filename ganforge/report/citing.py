"""How to cite a run, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ganforge.recipe.models import Recipe
from ganforge.report.folder import RunRecord, at
from ganforge.report.hiding import PATH, Hider
from ganforge.report.method import method


@dataclass(frozen=True)
class Citation:
    """What is cited, and how."""

    what: str
    text: str


@dataclass(frozen=True)
class Repetition:
    """What gives the same run again."""

    #: As it was begun, with a placeholder for each path; empty where run.json doesn't tell.
    command: str
    #: With the recipe of the run folder, in which all values stand.
    from_folder: str
    recipe_hash: str
    #: Run and step from which this one began, and what was changed.
    begun_from: str
    has_paths: bool


def citations(record: RunRecord, recipe: Recipe | None) -> list[Citation]:
    """Data, pretrained weights, method and ganforge, as far as the run names them.

    recipe: if it is valid on this machine; its components say what they come from.
    """
    found = []
    for what, data in (("Data", at(record.data, "card", kind=dict)), ("Pretrained weights", record.source)):
        if not data:
            continue
        name, citation = at(data, "name", kind=str) or "", at(data, "citation", kind=str) or "not stated"
        found.append(Citation(what, f"{name}: {citation}" if name else citation))
    if recipe is None:
        found.append(Citation("Method", "not known, since the recipe can't be read here with all its components"))
    else:
        found += [Citation("Method", f"{paper}: {', '.join(used)}") for paper, used in method(recipe).items()]
    version = at(record.environment, "ganforge", kind=str)
    found.append(Citation("Software", f"ganforge {version}" if version else "ganforge"))
    return found


def repetition(record: RunRecord, hide: Hider) -> Repetition:
    """The commands, without the paths of this machine."""
    overrides = _texts(at(record.state, "overrides", kind=list))
    file = at(record.state, "recipe_file", kind=str) or "RECIPE"
    begun = ""
    command = shlex.join(["ganforge", "run", file, *map(hide.override, overrides)]) if overrides is not None else ""
    if start := at(record.state, "begun_from", kind=dict):
        run, step = at(start, "run", kind=str) or "another run", at(start, "step", kind=int)
        changes = [hide.override(each) for each in _texts(start.get("changes")) or []]
        begun = f"step {step:,} of the run {run}" if step is not None else f"the run {run}"
        command = shlex.join(["ganforge", "resume", run, "--from", "best|newest", *changes])
    paths = [f"{key}={PATH}" for key in _path_keys(record, hide)]
    from_folder = shlex.join(["ganforge", "run", "recipe.yaml", *paths])
    digest = at(record.state, "recipe", kind=str) or ""
    return Repetition(command, from_folder, digest, begun, bool(paths))


def _path_keys(record: RunRecord, hide: Hider) -> list[str]:
    """Keys of the recipe whose value is a path, as overrides name them."""
    found: list[str] = []

    def look(before: object, after: object, key: str) -> None:
        if isinstance(before, dict) and isinstance(after, dict):
            for each in before:
                look(before[each], after[each], f"{key}.{each}" if key else str(each))
        elif isinstance(before, list) and isinstance(after, list):
            for index, pair in enumerate(zip(before, after, strict=True)):
                look(*pair, f"{key}[{index}]")
        elif after == PATH != before:
            found.append(key)

    look(dict(record.recipe), hide.recipe(dict(record.recipe)), "")
    return found


def _texts(values: object) -> Sequence[str] | None:
    return [str(value) for value in values] if isinstance(values, list) else None
