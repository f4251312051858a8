"""Verbs that train: run, resume."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ganforge.cli.errors import INTERRUPTED, say
from ganforge.cli.options import Device, Overrides, Recipe, Run, Settings, Threads, choose_device

if TYPE_CHECKING:
    from ganforge.cli.narrator import Narrator


def run(
    settings: Settings, recipe: Recipe, overrides: Overrides = None, device: Device = "auto", threads: Threads = None
) -> None:
    """Train what a recipe describes, in a new folder."""
    from ganforge import execute
    from ganforge.recipe.load import load_recipe

    loaded = load_recipe(recipe, overrides or (), settings.components())
    chosen = choose_device(device, threads)
    with _narrated(settings) as narrator:
        execute.run(loaded, narrator, chosen)


def resume(settings: Settings, run: Run, device: Device = "auto", threads: Threads = None) -> None:
    """Continue a run that was stopped."""
    from ganforge import execute

    components = settings.components()
    chosen = choose_device(device, threads)
    with _narrated(settings) as narrator:
        execute.resume(run, components, narrator, chosen)


@contextmanager
def _narrated(settings: Settings) -> Iterator[Narrator]:
    """A narrator on standard output; Ctrl-C says how to go on."""
    from ganforge.cli.display import choose_display
    from ganforge.cli.narrator import Narrator
    from ganforge.cli.output import Output

    narrator = Narrator(choose_display(Output()), settings)
    try:
        with narrator:
            yield narrator
    except KeyboardInterrupt:
        command = narrator.resume_command()
        say(f"stopped; continue with `{command}`" if command else "stopped before the run began")
        raise typer.Exit(INTERRUPTED) from None
