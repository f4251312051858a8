"""What a run folder holds, as far as it can be read: a run may be going on, or its folder damaged."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from ganforge.errors import CheckpointError, GanforgeError, PluginError, RecipeError
from ganforge.evaluation.checks import checked
from ganforge.evaluation.score import Score
from ganforge.files import is_file, is_folder, read_json
from ganforge.recipe import yaml
from ganforge.recipe.load import read_text
from ganforge.recipe.nodes import Origin
from ganforge.runs.rundir import expect_there

T = TypeVar("T")
#: Numbers of one row of metrics.jsonl; `step` and `images` are always there.
Row = Mapping[str, float]


@dataclass(frozen=True)
class Grid:
    """One picture of samples/."""

    step: int
    path: Path


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder tells of it. What is missing or can't be read is empty, and `problems` say why."""

    #: Name of the folder, without its place.
    name: str
    state: Mapping[str, Any]
    #: recipe.yaml as plain data.
    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    source: Mapping[str, Any]
    #: load.json and freeze.json, as far as their rows are objects.
    load: Sequence[Mapping[str, Any]]
    freeze: Mapping[str, Sequence[Mapping[str, Any]]]
    #: Rows of metrics.jsonl, in order, and the name of the score that they hold.
    rows: Sequence[Row]
    score_name: str
    #: None: nothing was measured yet.
    scores: Sequence[Score] | None
    grids: Sequence[Grid]
    problems: Sequence[str]

    @property
    def classes(self) -> list[str]:
        return [str(name) for name in at(self.state, "classes", kind=list) or []]

    @property
    def grid_rows(self) -> list[str]:
        """Names of the rows of a sample grid: the classes; none where the recipe's generator reads no label."""
        generator = at(self.recipe, "generator", kind=dict) or {}
        parts = [*(at(generator, "blocks", kind=dict) or {}).values(), at(generator, "mapping", kind=dict)]
        labels = at(generator, "label", kind=list)
        return self.classes if labels or any((at(part, "num_classes", kind=int) or 0) > 1 for part in parts) else []

    @property
    def batch(self) -> int | None:
        """Images in a step; None where the recipe doesn't tell."""
        return at(self.recipe, "training", "batch", kind=int)

    @property
    def stages(self) -> list[tuple[str, int]]:
        """Name and steps of each stage."""
        stages = at(self.recipe, "stages", kind=list) or []
        found = [(at(stage, "name", kind=str), at(stage, "steps", kind=int)) for stage in stages]
        return [(name, steps) for name, steps in found if name is not None and steps is not None and steps > 0]

    @property
    def is_phantom(self) -> bool:
        return at(self.state, "is_phantom", kind=bool) is True or at(self.data, "card", "is_phantom", kind=bool) is True

    @property
    def fingerprint(self) -> str:
        """sha256 over pixels, labels and groups of the data; empty where it isn't known."""
        return at(self.data, "card", "fingerprint", kind=str) or ""


def at(data: Any, *path: str | int, kind: type[T]) -> T | None:
    """The value at a path of plain data; None where there is none, or one of another type."""
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    if isinstance(data, bool) and kind is not bool:
        return None
    return data if isinstance(data, kind) else None


def read_run(folder: Path) -> RunRecord:
    """What the folder holds. Raises CheckpointError if it is that of no run."""
    expect_there(folder)
    if not is_folder(folder) or not any(is_file(folder / name) for name in ("run.json", "recipe.yaml")):
        raise CheckpointError(f"{folder} is no folder of a run: it holds no run.json and recipe.yaml.")
    reader = _Reader(folder)
    state = reader.object("run.json", is_needed=True)
    recipe = reader.recipe()
    is_finished = state.get("state") == "finished"
    load = reader.json("load.json", list)
    freeze = reader.object("freeze.json", is_needed=True)
    rows, score_name = reader.metrics(is_needed=is_finished)
    return RunRecord(
        folder.absolute().name,
        state,
        recipe,
        reader.object("environment.json", is_needed=True),
        reader.object("data.json", is_needed=bool(rows)),
        reader.object("source.json"),
        _objects(load or []),
        {str(stage): _objects(table) for stage, table in freeze.items() if isinstance(table, list)},
        rows,
        score_name,
        reader.scores(is_needed=is_finished),
        reader.grids(),
        reader.problems,
    )


class _Reader:
    """Reads the files of one folder, and notes what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def json(self, name: str, kind: type[T], *, is_needed: bool = False) -> T | None:
        if not is_file(self.folder / name):
            if is_needed:
                self.problems.append(f"{name} is missing.")
            return None
        try:
            found = read_json(self.folder / name, CheckpointError)
        except CheckpointError as error:
            self.problems.append(f"{name} can't be read: {_reason(error)}")
            return None
        if not isinstance(found, kind):
            self.problems.append(f"{name} holds something else than was expected.")
            return None
        return found

    def object(self, name: str, *, is_needed: bool = False) -> dict[str, Any]:
        return self.json(name, dict, is_needed=is_needed) or {}

    def recipe(self) -> dict[str, Any]:
        path = self.folder / "recipe.yaml"
        try:
            plain = yaml.parse(read_text(path), lambda line, column: Origin(None, line, column)).plain()
        except RecipeError as error:
            self.problems.append(f"recipe.yaml can't be read: {error.problems[0].message}")
            return {}
        if not isinstance(plain, dict):
            self.problems.append("recipe.yaml is no recipe.")
            return {}
        return plain

    def metrics(self, *, is_needed: bool) -> tuple[list[Row], str]:
        path, name, damaged = self.folder / "metrics.jsonl", "", 0
        rows: list[Row] = []
        if not is_file(path):
            if is_needed:
                self.problems.append("metrics.jsonl is missing.")
            return [], ""
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except OSError as error:
            self.problems.append(f"metrics.jsonl can't be read: {error.strerror}.")
            return [], ""
        for line in lines:
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                damaged += line.endswith(b"\n")  # without, it is being written
                continue
            row = _numbers(found) if isinstance(found, dict) else {}
            if {"step", "images"} <= row.keys():
                rows.append(row)
                name = found["score_name"] if isinstance(found.get("score_name"), str) else name
            else:
                damaged += 1
        if damaged:
            self.problems.append(f"{damaged:,} of the {len(lines):,} rows of metrics.jsonl are damaged and left out.")
        return rows, name

    def scores(self, *, is_needed: bool) -> list[Score] | None:
        found = self.json("scores.json", list, is_needed=is_needed)
        if found is None:
            return None
        scores = []
        for number, each in enumerate(found):
            try:
                scores += checked([_score(each)])
            except (PluginError, TypeError, KeyError) as error:
                self.problems.append(f"score {number} of scores.json is left out: {error}")
        return scores

    def grids(self) -> list[Grid]:
        found = []
        for path in sorted((self.folder / "samples").glob("step_*.png")):
            if name := re.fullmatch(r"step_(\d{1,12})\.png", path.name):
                found.append(Grid(int(name[1]), path))
        return sorted(found, key=lambda grid: grid.step)


def _score(found: Any) -> Score:
    """The score that `Score.as_dict` wrote. Raises TypeError where that is no object."""
    if not isinstance(found, dict):
        raise TypeError("it is no object.")
    known = {field.name for field in fields(Score)}
    given = {name: value for name, value in found.items() if name in known}
    for name in ("warnings", "classes"):
        given[name] = tuple(given.get(name) or ())
    if isinstance(given.get("matrix"), list):
        given["matrix"] = tuple(tuple(row) if isinstance(row, list) else row for row in given["matrix"])
    return Score(**given)


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers of a row, as floats."""
    found = {}
    for name, value in row.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
            number = float(value)
            if math.isfinite(number):
                found[name] = number
    return found


def _objects(rows: Sequence[Any]) -> list[Mapping[str, Any]]:
    return [row for row in rows if isinstance(row, dict)]


def _reason(error: GanforgeError) -> str:
    """Without the path that stands in front of it."""
    return str(error).split(" can't be read: ", 1)[-1]
