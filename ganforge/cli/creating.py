"""Verbs that write something to begin with: new recipe, new plugin."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ganforge.cli.completion import complete_family
from ganforge.cli.examples import example
from ganforge.cli.helping import Verb
from ganforge.cli.options import Settings, verb

Pictures = Annotated[
    Path,
    typer.Argument(metavar="FOLDER|TABLE", help="Pictures in one folder for each class, or a CSV table of labels."),
]
OutFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="The recipe. Default: the folder's name with .yaml, here.")
]
RecipeName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Of the recipe and its runs. Default: that of the file.")
]
DataKind = Annotated[
    str | None, typer.Option("--data", metavar="KIND", help="Kind of dataset. Default: the one that fits the folder.")
]
PluginName = Annotated[
    str, typer.Argument(metavar="NAME", help="Of the package, such as ganforge-mylab; kinds begin with mylab_.")
]
Kinds = Annotated[
    list[str],
    typer.Option(
        "--kind",
        metavar="KIND",
        help="Kind of component, such as block; may be repeated.",
        autocompletion=complete_family,
    ),
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder for the package. Default: its name, here.")
]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are there.")]


def recipe(
    settings: Settings,
    pictures: Pictures,
    out: OutFile = None,
    name: RecipeName = None,
    data: DataKind = None,
    force: Force = False,
) -> None:
    """Look at pictures, and write a first recipe for them."""
    from ganforge.errors import one_line
    from ganforge.starter.write import new_recipe
    from ganforge.telling.display import choose_display
    from ganforge.telling.output import Output, counted

    output = Output()
    display = choose_display(output)
    try:
        made = new_recipe(pictures, out, name, settings.components(), data, force=force, progress=display.progress)
    finally:
        display.close()
    survey = made.survey
    output.line(f"{counted(survey.num_images, 'picture')} as {survey.spec.kind}", "bold")
    rows = [(each, f"{count:,}") for each, count in zip(survey.classes, survey.counts, strict=True)]
    output.table(("class", "pictures"), rows, right={1}, indent=2)
    for choice in made.chosen:
        output.paragraph(choice, indent=2)
    for note in survey.notes:
        output.paragraph(f"note: {one_line(note)}", indent=2)
    for warning in made.warnings:
        output.labelled("warning", one_line(warning), "yellow")
    output.line()
    output.line(f"recipe: {made.file}", "bold green")
    output.line(f"schema for your editor: {made.schema}")
    output.line("next:")
    for words in made.commands:
        output.line(f"  {settings.command(*words)}")


def plugin(settings: Settings, name: PluginName, kind: Kinds, out: OutFolder = None, force: Force = False) -> None:
    """Write a package with a component of your own and its tests."""
    from ganforge.starter.plugin import new_plugin
    from ganforge.telling.output import Output

    made = new_plugin(name, kind, out, settings.components(), force=force)
    folder, output = made.folder, Output()
    output.line(f"plugin: {folder}", "bold green")
    output.line("next:")
    output.line(f"  python -m pip install -e {shlex.quote(f'{folder}[dev]')}")
    output.line(f"  python -m pytest {shlex.quote(str(folder))}")
    for family, component in made.kinds.items():
        output.line(f"  {settings.command('ls', family, component)}")
    output.line("in a recipe, once it is installed:")
    for part in made.recipe_parts.values():
        for line in part.splitlines():
            output.line(f"  {line}")


app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Begin with a recipe for your pictures, or with a plugin."
)
for function in (recipe, plugin):
    app.command(cls=Verb, epilog=example(f"new {function.__name__}"))(verb(function))
