"""Verbs that train: run, resume."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ganforge.cli.errors import INTERRUPTED, say
from ganforge.cli.options import Device, Overrides, Recipe, Run, Settings, Threads, choose_device
from ganforge.errors import UsageError

if TYPE_CHECKING:
    import torch

    from ganforge.cli.narrator import Narrator
    from ganforge.recipe.load import LoadedRecipe


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
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Try a few steps on made-up images, and say what the run would take.")
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
) -> None:
    """Train what a recipe describes, in a new folder."""
    from ganforge import execute
    from ganforge.recipe.load import load_recipe

    if dry_run and (resume or stop_after):
        raise UsageError("--dry-run trains nothing, so that --resume and --stop-after would have no effect.")
    seconds = read_duration(stop_after)
    components = settings.components()
    loaded = load_recipe(recipe, overrides or (), components)
    chosen = choose_device(device, threads)
    if dry_run:
        _try_out(settings, loaded, chosen)
        return
    with _narrated(settings, device, threads) as narrator:
        found = execute.find_run(loaded) if resume else None
        if found is None:
            execute.run(loaded, narrator, chosen, seconds)
        else:
            execute.resume(found, components, narrator, chosen, seconds)


def resume(
    settings: Settings,
    run: Run,
    overrides: Overrides = None,
    start: Start = None,
    stop_after: StopAfter = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Continue a run that was stopped. With other values, or from its best checkpoint, it goes on in a new folder."""
    from ganforge import execute
    from ganforge.branch import branch

    seconds = read_duration(stop_after)
    components = settings.components()
    chosen = choose_device(device, threads)
    with _narrated(settings, device, threads) as narrator:
        if start or overrides:
            run = branch(run, start or "newest", overrides or (), components).path
        execute.resume(run, components, narrator, chosen, seconds)


def _try_out(settings: Settings, loaded: LoadedRecipe, device: torch.device) -> None:
    from ganforge.cli.display import choose_display
    from ganforge.cli.estimates import show_estimate
    from ganforge.cli.narrator import Narrator
    from ganforge.cli.output import Output
    from ganforge.rehearsal import rehearse

    output = Output()
    with Narrator(choose_display(output), settings) as narrator:
        estimate = rehearse(loaded, narrator, device)
    show_estimate(estimate, output)
    output.line(f"next: {settings.command('run', loaded.file, *loaded.overrides)}")


def read_duration(text: str | None) -> float | None:
    """Seconds in `45`, `90m`, `1h30m`, `2d`. Raises UsageError."""
    if text is None:
        return None
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    seconds = (
        sum(int(n or 0) * unit for n, unit in zip(found.groups(), (86400, 3600, 60, 1), strict=True)) if found else 0
    )
    if not 0 < seconds < 10**9:
        raise UsageError(f"--stop-after must be a time such as 45s, 90m, 1h30m or 2d, but is '{text}'.")
    return seconds


@contextmanager
def _narrated(settings: Settings, device: str, threads: int | None) -> Iterator[Narrator]:
    """A narrator on standard output; whoever stops a run is told how to go on."""
    from ganforge.cli.display import choose_display
    from ganforge.cli.narrator import Narrator
    from ganforge.cli.output import Output
    from ganforge.runs.stop import RunStopped

    # a run that goes on elsewhere is no longer the same to the last bit
    again = [*(["--device", device] if device != "auto" else []), *(["--threads", str(threads)] if threads else [])]
    narrator = Narrator(choose_display(Output()), settings, again)
    try:
        with narrator:
            yield narrator
    except KeyboardInterrupt as stop:
        reason, code = (f" by {stop.reason}", stop.exit_code) if isinstance(stop, RunStopped) else ("", INTERRUPTED)
        command = narrator.resume_command()
        say(f"stopped{reason}; continue with `{command}`" if command else "stopped before the run began")
        raise typer.Exit(code) from None
