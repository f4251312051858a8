"""Verbs that train: run, resume."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ganforge.cli.launching import Gpus, MaxRestarts, Patience, launched, option, taking_part
from ganforge.cli.options import Device, Overrides, Recipe, Run, Settings, Threads, choose_device
from ganforge.devices import DeviceName
from ganforge.errors import UsageError
from ganforge.listener import Listener

if TYPE_CHECKING:
    from ganforge.telling.output import Output

ResumeMode = Annotated[
    Literal["auto"] | None,
    typer.Option("--resume", help="auto: continue the newest run of this very recipe, if there is one."),
]
Start = Annotated[
    Literal["best", "newest"] | None,
    typer.Option("--from", help="Checkpoint with which a new run begins, which goes on from there."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Try a few steps on made-up images, and say what the run would take; with --gpus, count alone.",
    ),
]
DryJson = Annotated[bool, typer.Option("--json", help="With --dry-run: print JSON, for programs.")]
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
    as_json: DryJson = False,
) -> None:
    """Train what a recipe describes, in a new folder."""
    if dry_run:
        if resume or stop_after:
            raise UsageError("--dry-run trains nothing, so that --resume and --stop-after would have no effect.")
        if max_restarts or patience:
            raise UsageError("--dry-run starts no other process: leave out --max-restarts and --patience.")
        if gpus is None:
            _try_out(settings, recipe, overrides or (), device, threads, as_json=as_json)
            return
        if device != "auto" or threads is not None:
            raise UsageError("--dry-run --gpus computes nothing, so that --device and --threads would have no effect.")
        _count(settings, recipe, overrides or (), gpus, as_json=as_json)
        return
    if as_json:
        raise UsageError("--json goes with --dry-run; a run writes metrics.jsonl and scores.json.")
    seconds, silence = read_duration(stop_after), read_duration(patience, "--patience")
    words = ["run", str(recipe), *(overrides or ()), *option("--resume", resume)]
    words += [*option("--stop-after", stop_after), *option("--threads", threads), *option("--patience", patience)]
    device = launched(settings, words, gpus, device, max_restarts, patience)
    with taking_part(settings, device, threads, silence) as (processes, listener):
        from ganforge.continuing import run_or_resume
        from ganforge.recipe.load import load_recipe

        loaded = load_recipe(recipe, overrides or (), settings.components(warn=processes.is_first))
        chosen = choose_device(device, threads)
        run_or_resume(loaded, listener, chosen, seconds, processes, newest=resume == "auto")


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

    Values under `trackers` alone, which say where numbers are sent, change nothing that was trained: the run stays in
    its folder.
    """
    seconds, silence = read_duration(stop_after), read_duration(patience, "--patience")
    words = ["resume", str(run), *(overrides or ()), *option("--from", start)]
    words += [*option("--stop-after", stop_after), *option("--threads", threads), *option("--patience", patience)]
    device = launched(settings, words, gpus, device, max_restarts, patience)
    with taking_part(settings, device, threads, silence) as (processes, listener):
        from ganforge.continuing import go_on

        components = settings.components(warn=processes.is_first)
        chosen = choose_device(device, threads)
        go_on(run, start, overrides or (), components, listener, chosen, seconds, processes)


def _try_out(
    settings: Settings,
    recipe: Path,
    overrides: Sequence[str],
    device: DeviceName,
    threads: int | None,
    *,
    as_json: bool,
) -> None:
    from ganforge.cli.estimates import estimate_data, show_estimate
    from ganforge.recipe.load import load_recipe
    from ganforge.rehearsal import rehearse
    from ganforge.telling.output import Output

    loaded = load_recipe(recipe, overrides, settings.components())
    chosen = choose_device(device, threads)
    output = Output()
    with _told(settings, output, as_json=as_json) as listener:
        estimate = rehearse(loaded, listener, chosen)
    if as_json:
        output.raw(f"{json.dumps(estimate_data(estimate), indent=2)}\n")
        return
    show_estimate(estimate, output)
    output.line(f"next: {settings.command('run', loaded.file, *loaded.overrides)}")


def _count(settings: Settings, recipe: Path, overrides: Sequence[str], gpus: str, *, as_json: bool) -> None:
    from ganforge.cli.costs import costs_data, show_costs
    from ganforge.cost.estimate import count_costs
    from ganforge.processes.launch import count_processes, read_processes
    from ganforge.recipe.load import load_recipe
    from ganforge.telling.output import Output

    size = read_processes(gpus) or count_processes(gpus)[0]
    loaded = load_recipe(recipe, overrides, settings.components())
    output = Output()
    with _told(settings, output, as_json=as_json) as listener:
        costs = count_costs(loaded, size, listener)
    if as_json:
        output.raw(f"{json.dumps(costs_data(costs), indent=2)}\n")
        return
    show_costs(costs, output, on_gpus=not gpus.startswith("cpu:"))
    output.line(f"next: {settings.command('run', loaded.file, *loaded.overrides, '--gpus', gpus)}")


@contextmanager
def _told(settings: Settings, output: Output, *, as_json: bool) -> Iterator[Listener]:
    """Who is told how it goes: nobody where a program reads what comes out."""
    from ganforge.telling.display import choose_display
    from ganforge.telling.narrator import Narrator

    if as_json:
        yield Listener()
        return
    with Narrator(choose_display(output), settings.command) as narrator:
        yield narrator


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
