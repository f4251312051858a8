"""Verbs that train: run, resume."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from ganforge.cli.launching import Gpus, MaxRestarts, Patience, launched, option, taking_part
from ganforge.cli.options import Device, Overrides, Recipe, Run, Settings, Threads, choose_device
from ganforge.errors import UsageError

ResumeMode = Annotated[
    Literal["auto"] | None,
    typer.Option("--resume", help="auto: continue the newest run of this very recipe, if there is one."),
]
Start = Annotated[
    Literal["best", "newest"] | None,
    typer.Option("--from", help="Checkpoint with which a new run begins, which goes on from there."),
]
StopAfter = Annotated[
    str | None,
    typer.Option("--stop-after", metavar="TIME", help="Save and stop after this time, such as 90m or 1h30m."),
]


def run(
    settings: Settings,
    recipe: Recipe,
    overrides: Overrides = None,
    resume: ResumeMode = None,
    stop_after: StopAfter = None,
    device: Device = "auto",
    threads: Threads = None,
    gpus: Gpus = None,
    max_restarts: MaxRestarts = 0,
    patience: Patience = None,
) -> None:
    """Train what a recipe describes, in a new folder."""
    seconds, silence = read_duration(stop_after), read_duration(patience, "--patience")
    words = ["run", str(recipe), *(overrides or ()), *option("--resume", resume)]
    words += [*option("--stop-after", stop_after), *option("--threads", threads), *option("--patience", patience)]
    device = launched(settings, words, gpus, device, max_restarts)
    with taking_part(settings, device, silence) as (processes, listener):
        from ganforge import execute
        from ganforge.recipe.load import load_recipe

        components = settings.components(warn=processes.is_first)
        loaded = load_recipe(recipe, overrides or (), components)
        chosen = choose_device(device, threads)

        def find() -> str | None:
            found = execute.find_restarted(loaded.recipe.output.folder)
            found = execute.find_run(loaded) if found is None and resume else found
            return None if found is None else str(found)

        found = processes.from_first(find)
        if found is None:
            execute.run(loaded, listener, chosen, seconds, processes)
        else:
            execute.resume(Path(found), components, listener, chosen, seconds, processes)


def resume(
    settings: Settings,
    run: Run,
    overrides: Overrides = None,
    start: Start = None,
    stop_after: StopAfter = None,
    device: Device = "auto",
    threads: Threads = None,
    gpus: Gpus = None,
    max_restarts: MaxRestarts = 0,
    patience: Patience = None,
) -> None:
    """Continue a run that was stopped; with other values or from its best checkpoint, in a new folder."""
    seconds, silence = read_duration(stop_after), read_duration(patience, "--patience")
    words = ["resume", str(run), *(overrides or ()), *option("--from", start)]
    words += [*option("--stop-after", stop_after), *option("--threads", threads), *option("--patience", patience)]
    device = launched(settings, words, gpus, device, max_restarts)
    with taking_part(settings, device, silence) as (processes, listener):
        from ganforge import execute
        from ganforge.branch import branch

        components = settings.components(warn=processes.is_first)
        chosen = choose_device(device, threads)

        def begin() -> str:
            if not (start or overrides):
                return str(run)
            begun = execute.find_restarted(run.parent)
            return str(begun or branch(run, start or "newest", overrides or (), components).path)

        execute.resume(Path(processes.from_first(begin)), components, listener, chosen, seconds, processes)


def read_duration(text: str | None, name: str = "--stop-after") -> float | None:
    """Seconds in `45`, `90m`, `1h30m`, `2d`. Raises UsageError that names the option."""
    if text is None:
        return None
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    seconds = (
        sum(int(n or 0) * unit for n, unit in zip(found.groups(), (86400, 3600, 60, 1), strict=True)) if found else 0
    )
    if not 0 < seconds < 10**9:
        raise UsageError(f"{name} must be a time such as 45s, 90m, 1h30m or 2d, but is '{text}'.")
    return seconds
