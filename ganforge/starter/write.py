"""Writes a first recipe beside its schema, over nothing that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganforge.errors import OutputError, UsageError
from ganforge.files import not_utf8, write_text
from ganforge.progress import Progress, no_progress
from ganforge.recipe.schema import json_schema
from ganforge.registry import Components
from ganforge.runs.rundir import next_run
from ganforge.starter.choices import choose
from ganforge.starter.parts import parts_of
from ganforge.starter.recipe import RUNS, default_name, recipe_text
from ganforge.starter.survey import Survey, survey

#: Written beside a recipe: an editor finds it wherever the folder is moved to.
SCHEMA_FILE = "ganforge.schema.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class NewRecipe:
    """A recipe that was written, and what to tell about it."""

    file: Path
    schema: Path
    survey: Survey
    #: What was chosen and why, a sentence each.
    chosen: tuple[str, ...]
    warnings: tuple[str, ...]
    #: The words of the commands that come next.
    commands: tuple[tuple[object, ...], ...]


def new_recipe(
    folder: Path,
    out: Path | None,
    name: str | None,
    components: Components,
    kind: str | None = None,
    *,
    force: bool = False,
    progress: Progress = no_progress,
) -> NewRecipe:
    """Write a recipe for the pictures in a folder or of a table, and the schema for editors if it isn't there.

    out: the file; None: the folder's name, in the current folder. Raises UsageError for a name that no recipe can have,
    OutputError where a file is there already or can't be written, DataError as `survey`.
    """
    file = out if out is not None else Path(f"{default_name(folder)}.yaml")
    name = name if name is not None else default_name(Path(file.stem))
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"a recipe can't be called {name!r}: letters, digits, dots, dashes and underscores, with --name."
        )
    refuse_existing([file], force=force)
    found = survey(folder, components, kind, progress)
    _refuse_unwritable([str(folder), *found.classes])
    choices, parts = choose(found), parts_of(components)
    schema = file.parent / SCHEMA_FILE
    write_new({file: recipe_text(name, found, choices, parts, SCHEMA_FILE)})
    if force or not schema.exists():
        write_new({schema: json.dumps(json_schema(components), indent=2, ensure_ascii=False) + "\n"})
    values = {
        "resolution": choices.resolution,
        **choices.pictures,
        **({} if choices.held_out is None else {"held out": choices.held_out}),
        "sampler": choices.sampler,
    }
    run = _next_run(name)
    return NewRecipe(
        file,
        schema,
        found,
        (
            *(f"{key} {choice.value}: {choice.why}." for key, choice in {**values, "steps": choices.steps}.items()),
            "left and right are mirrored in training: remove `flip` where they differ, as in chest X-rays.",
        ),
        (*choices.warnings, *parts.missing),
        (
            ("data", "check", file),
            ("check", file),
            ("run", file, "--dry-run"),
            ("run", file),
            ("sample", run, "--count", 16, "--out", "samples"),
            ("eval", run),
        ),
    )


def _next_run(name: str) -> Path:
    """The folder of the run that is begun next, for commands that are shown."""
    try:
        return next_run(RUNS, name)
    except OSError:  # no run can be made there, which `ganforge check` says
        return RUNS / f"00000-{name}"


def _refuse_unwritable(names: Sequence[str]) -> None:
    """Raise UsageError for names of folders that no file in UTF-8 can hold."""
    for name in names:
        fault = not_utf8("folder", name)
        if fault:
            raise UsageError(fault)


def refuse_existing(files: Sequence[Path], *, force: bool) -> None:
    """Raise OutputError with all files that are there, unless they may be written over; folders never may."""
    there = [file for file in files if file.is_dir() or (file.exists() and not force)]
    if there:
        names = ", ".join(map(str, there))
        raise OutputError(
            f"{names} {'is' if len(there) == 1 else 'are'} there already. Choose another --out, or --force."
        )


def write_new(files: dict[Path, str]) -> None:
    """Write texts. Raises OutputError."""
    for file, text in files.items():
        try:
            write_text(file, text)
        except OSError as error:
            raise OutputError(f"can't write {file}: {error.strerror}. Choose another place with --out.") from error
