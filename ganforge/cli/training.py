"""Verbs that train: run, resume."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from ganforge.cli.launching import Gpus, MaxRestarts, Patience, launched, option, taking_part
from ganforge.cli.options import Device, DeviceName, Overrides, Recipe, Run, Settings, Threads, choose_device
from ganforge.errors import UsageError

ResumeMode = Annotated[
    Literal["auto"] | None,
    typer.Option("--resume", help="auto: continue the newest run of this very recipe, if there is one."),
]
Start = Annotated[
    Literal["best", "newest"] | None,
    typer.Option("--from", help="Checkpoint with which a new run begins, which goes on from there."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Try a few steps on made-up images, and say what the run would take.")
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
    dry_run: DryRun = False,
    device: Device = "auto",
    threads: Threads = None,
    gpus: Gpus = None,
    max_restarts: MaxRestarts = 0,
    patience: Patience = None,
) -> None:
    """Train what a recipe describes, in a new folder."""
    if dry_run:
        if resume or stop_after:
            raise UsageError("--dry-run trains nothing, so that --resume and --stop-after would have no effect.")
        if gpus or max_restarts or patience:
            raise UsageError("--dry-run tries one process: leave out --gpus, --max-restarts and --patience.")
        _try_out(settings, recipe, overrides or (), device, threads)
        return
    seconds, silence = read_duration(stop_after), read_duration(patience, "--patience")
    words = ["run", str(recipe), *(overrides or ()), *option("--resume", resume)]
    words += [*option("--stop-after", stop_after), *option("--threads", threads), *option("--patience", patience)]
    device = launched(settings, words, gpus, device, max_restarts)
    with taking_part(settings, device, threads, silence) as (processes, listener):
        from ganforge import execute
        from ganforge.opening import find_restarted, find_run
        from ganforge.recipe.load import load_recipe

        components = settings.components(warn=processes.is_first)
        loaded = load_recipe(recipe, overrides or (), components)
        chosen = choose_device(device, threads)

        def find() -> str | None:
            found = find_restarted(loaded.recipe.output.folder)
            found = find_run(loaded) if found is None and resume else found
            return None if found is None else str(found)

        found = processes.from_first(find)
        if found is None:
            execute.run(loaded, listener, chosen, seconds, processes)
        else:
            execute.resume(Path(found), components, listener, chosen, seconds, processes=processes)


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
    """Continue a run; with other values it goes on in a new folder.

    Other trackers leave it in its own.
    """
    seconds, silence = read_duration(stop_after), read_duration(patience, "--patience")
    words = ["resume", str(run), *(overrides or ()), *option("--from", start)]
    words += [*option("--stop-after", stop_after), *option("--threads", threads), *option("--patience", patience)]
    device = launched(settings, words, gpus, device, max_restarts)
    with taking_part(settings, device, threads, silence) as (processes, listener):
        from ganforge import execute
        from ganforge.branch import branch
        from ganforge.opening import find_restarted

        components = settings.components(warn=processes.is_first)
        chosen = choose_device(device, threads)

        changes = overrides or []

        def begin() -> str | None:
            """The folder of a new run; None to go on in the same."""
            if not start and (not changes or execute.is_same_run(run, changes, components)):
                return None
            begun = find_restarted(run.parent)
            return str(begun or branch(run, start or "newest", changes, components).path)

        new = processes.from_first(begin)
        path, changes = (run, changes) if new is None else (Path(new), [])
        execute.resume(path, components, listener, chosen, seconds, changes, processes)


def _try_out(
    settings: Settings, recipe: Path, overrides: Sequence[str], device: DeviceName, threads: int | None
) -> None:
    from ganforge.cli.display import choose_display
    from ganforge.cli.estimates import show_estimate
    from ganforge.cli.narrator import Narrator
    from ganforge.cli.output import Output
    from ganforge.recipe.load import load_recipe
    from ganforge.rehearsal import rehearse

    loaded = load_recipe(recipe, overrides, settings.components())
    chosen = choose_device(device, threads)
    output = Output()
    with Narrator(choose_display(output), settings) as narrator:
        estimate = rehearse(loaded, narrator, chosen)
    show_estimate(estimate, output)
    output.line(f"next: {settings.command('run', loaded.file, *loaded.overrides)}")


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
