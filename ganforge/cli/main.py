"""The command `ganforge`: its verbs and where each is defined."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from ganforge.cli import (
    components,
    creating,
    data,
    doctoring,
    evaluating,
    exporting,
    recipes,
    reporting,
    sampling,
    training,
    weights,
)
from ganforge.cli.examples import example
from ganforge.cli.helping import Verb
from ganforge.cli.options import Blocked, Debug, PluginFiles, Settings, Strict, verb

#: As one comes to need them.
ORDER = (
    "new",
    "data",
    "check",
    "run",
    "resume",
    "sample",
    "export",
    "eval",
    "report",
    "compare",
    "show",
    "freeze",
    "ls",
    "plugins",
    "weights",
    "schema",
    "doctor",
)


class Verbs(TyperGroup):
    """The verbs in the order in which one comes to need them."""

    def list_commands(self, ctx: object) -> list[str]:
        return sorted(self.commands, key=ORDER.index)


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from ganforge.versions import package_version

        found = package_version("ganforge")
        typer.echo(f"ganforge {found}" if found else "ganforge, run from its source folder without being installed")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version)]


@app.callback()
def ganforge(
    context: typer.Context,
    plugin: PluginFiles = None,
    block: Blocked = None,
    strict_plugins: Strict = False,
    debug: Debug = False,
    version: Version = False,
) -> None:
    """Train generators of labelled medical images from a few hundred pictures."""
    context.obj = Settings(tuple(plugin or ()), tuple(block or ()), strict_plugins, debug)


for function in (
    training.run,
    training.resume,
    recipes.check,
    recipes.show,
    recipes.freeze,
    components.ls,
    components.plugins,
    sampling.sample,
    exporting.export,
    reporting.report,
    reporting.compare,
    recipes.schema,
    doctoring.doctor,
):
    app.command(cls=Verb, epilog=example(function.__name__))(verb(function))
app.command("eval", cls=Verb, epilog=example("eval"))(verb(evaluating.evaluate))
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(creating.app, name="new")


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a class name that the terminal can't show must not end a run
            stream.reconfigure(errors="backslashreplace")
    # Read when torch loads OpenMP: threads that wait for each other leave the core to whoever else needs it. Beside a
    # second busy process that made a step about three times faster.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    app(prog_name="ganforge")
