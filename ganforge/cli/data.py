"""Verbs about images: data check, prepare, preview, split."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ganforge.cli.examples import example
from ganforge.cli.helping import Verb
from ganforge.cli.options import AsJson, Overrides, Settings, verb
from ganforge.outputs import PAGE_SIGN, SHEET_SIGN, SHEET_TITLE, expect_free

if TYPE_CHECKING:
    from ganforge.cli.narrator import Narrator
    from ganforge.recipe.data import DataRecipe

What = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE|FOLDER|TABLE", help="Recipe, run, folder of class folders or of pictures, or CSV table."
    ),
]
Page = Annotated[Path | None, typer.Option("--page", metavar="FILE", help="Write an HTML page, without file names.")]
Pictures = Annotated[bool, typer.Option("--pictures", help="Put pictures and file names on the page.")]
PreviewOut = Annotated[Path, typer.Option("--out", metavar="FILE", help="PNG file to write.")]
SplitOut = Annotated[Path, typer.Option("--out", metavar="FILE", help="CSV file to write.")]
Each = Annotated[int, typer.Option("--each", min=1, max=64, metavar="N", help="Pictures of each class.")]


def check(
    settings: Settings,
    what: What,
    overrides: Overrides = None,
    as_json: AsJson = False,
    page: Page = None,
    pictures: Pictures = False,
) -> None:
    """Look at every image; exit 3 if a training would go wrong."""
    from ganforge.cli.checking import show_check
    from ganforge.cli.output import Output
    from ganforge.data.check.check import check_data
    from ganforge.errors import DataError, UsageError
    from ganforge.loading import load_context
    from ganforge.report.check_page import write_page

    if pictures and page is None:
        raise UsageError("--pictures puts pictures on a page: say where with --page FILE.")
    if page is not None:
        expect_free(page, "--page", unless=PAGE_SIGN)
    recipe = _recipe(settings, what, overrides)
    with _narrator(settings, is_quiet=as_json) as narrator:
        context = load_context(recipe.bad_images, narrator)
        found = check_data(recipe.data, recipe.resolution, recipe.split, context, recipe.name)
    if as_json:
        Output().raw(json.dumps(found.as_dict(), indent=2, allow_nan=False) + "\n")
    else:
        show_check(found, Output())
    if page is not None:
        try:
            write_page(page, found, with_pictures=pictures)
        except OSError as error:
            _unwritable(page, "--page", error)
        narrator.output.line(f"page: {page}")
        if pictures:
            narrator.warning("the page holds real pictures and file names: don't share it.")
    if found.errors:
        names = ", ".join(dict.fromkeys(finding.what for finding in found.errors))
        raise DataError(f"a training would go wrong with this set: {names}.")


def prepare(settings: Settings, what: What, overrides: Overrides = None) -> None:
    """Fill the cache that a run uses, and verify it. Killed, it goes on where it was."""
    import math
    import time

    from ganforge.cache import cache_folder
    from ganforge.cli.output import counted, duration
    from ganforge.loading import load_context

    recipe = _recipe(settings, what, overrides)
    started = time.monotonic()
    with _narrator(settings) as narrator:
        images = recipe.data.load(recipe.resolution, load_context(recipe.bad_images, narrator))
        for _ in narrator.progress(images.images, len(images), "verifying images"):
            pass  # to read an image is to verify it
    took = duration(time.monotonic() - started)
    size = f"{math.prod(images.images.shape) / 1e6:,.1f} MB"
    narrator.output.line(f"{counted(len(images), 'image')} at {recipe.resolution} pixels, {size}, in {took}")
    narrator.output.line(f"cache: {getattr(images.images, 'folder', cache_folder())}")


def preview(settings: Settings, what: What, out: PreviewOut, overrides: Overrides = None, each: Each = 8) -> None:
    """Draw pictures of each class on a sheet.

    As they are, as they are prepared and, of a recipe, as training sees them.
    """
    from ganforge.loading import load_context
    from ganforge.pictures import save_png
    from ganforge.preview import contact_sheet

    expect_free(out, unless=SHEET_SIGN)
    recipe = _recipe(settings, what, overrides)
    with _narrator(settings) as narrator:
        sheet = contact_sheet(recipe, load_context(recipe.bad_images, narrator), each)
    try:
        save_png(out, sheet, {"Title": SHEET_TITLE})
    except OSError as error:
        _unwritable(out, "--out", error)
    narrator.output.line(f"wrote {out}")
    if not recipe.data.is_phantom:
        narrator.warning("the sheet holds real pictures: don't share it.")


def split(settings: Settings, what: What, out: SplitOut, overrides: Overrides = None) -> None:
    """Write which images train and which are held out, as a table."""
    from ganforge.data.split_table import split_rows, write_split
    from ganforge.loading import load_context

    expect_free(out)
    recipe = _recipe(settings, what, overrides)
    with _narrator(settings) as narrator:
        images = recipe.data.load(recipe.resolution, load_context(recipe.bad_images, narrator))
    rows = split_rows(images, recipe.split)
    try:
        write_split(out, rows)
    except OSError as error:
        _unwritable(out, "--out", error)
    counts = []
    for name in images.card.classes:
        sides = [row.split for row in rows if row.label == name]
        patients = len({row.patient for row in rows if row.label == name})
        counts.append((name, f"{patients:,}", *(f"{sides.count(side):,}" for side in ("train", "held_out", "unused"))))
    narrator.output.table(("class", "patients", "train", "held out", "unused"), counts, right={1, 2, 3, 4})
    narrator.output.line(f"wrote {out}")
    if not recipe.data.is_phantom:
        narrator.warning("the table names files, and with them patients: don't share it.")


def _recipe(settings: Settings, what: Path, overrides: list[str] | None) -> DataRecipe:
    from ganforge.recipe.data import load_data_recipe

    recipe = load_data_recipe(what, overrides or (), settings.components())
    recipe.data.preflight()
    return recipe


def _unwritable(path: Path, option: str, error: OSError) -> NoReturn:
    from ganforge.errors import UsageError

    raise UsageError(f"can't write {path}: {error}. Choose another file with {option}.") from error


def _narrator(settings: Settings, is_quiet: bool = False) -> Narrator:
    from ganforge.cli.display import choose_display
    from ganforge.cli.narrator import Narrator
    from ganforge.cli.output import Output, error_output

    return Narrator(choose_display(error_output() if is_quiet else Output()), settings)


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Images: check, prepare, preview, split.")
for function in (check, prepare, preview, split):
    app.command(cls=Verb, epilog=example(f"data {function.__name__}"))(verb(function))
