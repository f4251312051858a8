"""Verbs that read a recipe and train nothing: check, show, freeze, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ganforge.cli.options import AsJson, Overrides, Recipe, Settings

Resolved = Annotated[bool, typer.Option("--resolved", help="One line per value, with the place that it came from.")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write to a file instead.")]


def check(settings: Settings, recipe: Recipe, overrides: Overrides = None) -> None:
    """Sum a recipe up; exit 0 if a run of it would begin now."""
    from ganforge.errors import GanforgeError
    from ganforge.listener import Listener
    from ganforge.planning import plan_recipe, preflight
    from ganforge.recipe.load import load_recipe
    from ganforge.runs.space import expect_space
    from ganforge.start import fetch_source, is_at_hand
    from ganforge.telling.output import Output
    from ganforge.telling.summary import summarise

    plan = plan_recipe(load_recipe(recipe, overrides or (), settings.components()))
    output = Output()
    summarise(plan, output)
    try:
        preflight(plan.recipe)
        expect_space(plan, plan.recipe.output.folder)
        if is_at_hand(plan):
            fetch_source(plan, Listener())
    except GanforgeError:
        output.line("the recipe is right, but a run would stop now", "bold yellow")
        raise
    output.line("ok", "bold green")


def show(settings: Settings, recipe: Recipe, overrides: Overrides = None, resolved: Resolved = False) -> None:
    """Print a recipe with every value, defaults included."""
    from ganforge.recipe.dump import dump_recipe
    from ganforge.recipe.load import load_recipe
    from ganforge.recipe.resolved import resolved_lines
    from ganforge.telling.output import Output

    loaded = load_recipe(recipe, overrides or (), settings.components())
    if resolved:
        here = f"{loaded.file}:"
        rows = [(path, value, origin.removeprefix(here)) for path, value, origin in resolved_lines(loaded)]
        Output().table(("key", "value", f"line:column of {loaded.file}"), rows)
    else:
        Output().raw(dump_recipe(loaded.recipe))


def freeze(settings: Settings, recipe: Recipe, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Show what trains and what is frozen in each stage."""
    from ganforge.planning import freeze_tables, plan_recipe
    from ganforge.recipe.load import load_recipe
    from ganforge.telling.output import Output
    from ganforge.telling.summary import freeze_stages

    plan = plan_recipe(load_recipe(recipe, overrides or (), settings.components()))
    if as_json:
        Output().raw(json.dumps(freeze_tables(plan), indent=2) + "\n")
    else:
        freeze_stages(plan, Output())


def schema(settings: Settings, out: Out = None) -> None:
    """Print the JSON schema of recipes, for editors."""
    from ganforge.errors import UsageError
    from ganforge.files import write_text
    from ganforge.outputs import SCHEMA_SIGN, expect_free
    from ganforge.recipe.schema import json_schema
    from ganforge.telling.output import Output

    if out is not None:
        expect_free(out, unless=SCHEMA_SIGN)
    text = json.dumps(json_schema(settings.components()), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        Output().raw(text)
        return
    try:
        write_text(out, text)
    except OSError as error:
        raise UsageError(f"can't write {out}: {error}. Choose another file with --out.") from error
