"""Verbs that put runs before readers: report, compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.options import Run, Settings, choose_device
from ganforge.errors import DataError, UsageError, one_line
from ganforge.files import expect_file
from ganforge.outputs import PAGE_SIGN, expect_free, expect_writable

if TYPE_CHECKING:
    from ganforge.report.comparison import Comparison, Measured
    from ganforge.report.differences import Difference, Given
    from ganforge.report.report import Report
    from ganforge.telling.output import Output

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Page to write. Default: in the run's folder.")]
Panel = Annotated[
    Path | None,
    typer.Option(
        "--panel",
        metavar="FILE",
        help="Picture of the closest pairs, to be shown in the page, which then holds photographs of patients.",
    ),
]
Serve = Annotated[
    bool,
    typer.Option("--serve", help="Show the page on this machine alone; it refreshes itself while the run goes on."),
]
Port = Annotated[
    int | None, typer.Option("--port", min=1, max=65_535, metavar="N", help="With --serve. Default: any that is free.")
]
Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of two or more runs.")]
ComparisonOut = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Also write a page, with curves and sample grids.")
]


def report(
    settings: Settings, run: Run, out: Out = None, panel: Panel = None, serve: Serve = False, port: Port = None
) -> None:
    """Write a run's page: samples, curves, scores, what trained."""
    if port is not None and not serve:
        raise UsageError("--port is for --serve.")
    if out is not None and serve:
        raise UsageError("--serve writes no file: leave out --out, or --serve.")

    from ganforge.report.generate import draw_from
    from ganforge.report.writing import page_of, write_report

    if out is not None:
        expect_free(out, unless=PAGE_SIGN)
    elif run.is_dir() and not serve:
        expect_writable(page_of(run, panel))
    if panel is not None:
        expect_file(panel, f"the panel {panel} is not there.", DataError)
    components = settings.components()
    if serve:
        _serve(run, panel, port or 0, settings)
        return
    path, found = write_report(run, draw_from(run, components, choose_device("cpu", None)), out, panel)
    _tell(found, path)


def compare(settings: Settings, runs: Runs, out: ComparisonOut = None) -> None:
    """Put runs side by side: scores, and what differs in their recipes."""
    from ganforge.cli.errors import say_warning
    from ganforge.report.comparison import compare_runs
    from ganforge.report.writing import write_comparison
    from ganforge.telling.output import Output

    if out is not None:
        expect_free(out, unless=PAGE_SIGN)
    comparison = compare_runs(runs)
    if out is not None:
        write_comparison(comparison, out)
    for problem in comparison.problems:
        say_warning(problem)
    output = Output()
    _show_scores(comparison, output)
    _show_differences(comparison, output)
    page = "curves and sample grids: --out comparison.html"
    output.line(page if out is None else f"page: {out} ({out.stat().st_size / 1e6:.1f} MB)")


def _tell(found: Report, path: Path) -> None:
    from ganforge.cli.errors import say_warning
    from ganforge.telling.output import Output

    missing = [f"nothing was drawn from the generator: {found.drawn.missing}"] if found.drawn.missing else []
    for text in (*found.problems, *missing, *found.drawn.warnings):
        say_warning(text)
    output = Output()
    if found.panel is not None:
        output.line("This page holds training images. Keep it as you keep those.", "bold yellow")
    output.line(f"report: {path} ({path.stat().st_size / 1e6:.1f} MB)")


def _serve(run: Path, panel: Path | None, port: int, settings: Settings) -> None:
    from ganforge.report.live import LivePage
    from ganforge.report.serving import served
    from ganforge.telling.output import Output

    page = LivePage(run, settings.components(warn=False), panel)
    output = Output()
    with served(page, port) as address:
        output.line(f"serving {run} at {address}")
        output.line("Ctrl-C ends it")
        output.console.file.flush()
        try:
            page.wait()
        except KeyboardInterrupt:
            output.line("no longer served")


def _show_scores(comparison: Comparison, output: Output) -> None:
    from ganforge.evaluation.shown import SIZES

    if comparison.is_phantom:
        output.line("PHANTOM: some of these runs saw pictures drawn by a program.", "bold yellow")
    for text in comparison.obstacles:
        output.paragraph(text, style="bold yellow")
    output.line("scores", "bold")
    if comparison.nothing_in_common:
        output.paragraph(comparison.nothing_in_common, indent=2, style="bold yellow")
    if not comparison.lines:
        return
    rows = [_row(cell, is_lettered=bool(comparison.obstacles)) for line in comparison.lines for cell in line.cells]
    header, *lines = output.aligned([("run", "value", "seeds +-", "draws +-", "real", "n", ""), *rows], range(1, 6))
    output.line(f"  {header}", "bold")
    runs = len(comparison.sides)
    for number, line in enumerate(comparison.lines):
        of_class = f", class {one_line(line.of_class)}" if line.of_class else ""
        output.line(f"  {line.name}{f'[{line.extractor}]' if line.extractor else ''}{of_class}")
        for cell, text in zip(line.cells, lines[runs * number :], strict=False):
            if cell is not None:
                output.line(f"  {text}")
    output.paragraph(f"n: {SIZES}", indent=2)


def _row(cell: Measured | None, *, is_lettered: bool) -> tuple[str, ...]:
    from ganforge.evaluation.shown import floor, number, sizes

    if cell is None:
        return ("",) * 7
    score = cell.score
    letter = f" ({cell.side.group or '?'})" if is_lettered else ""
    spreads = (number(value, 2) for value in (score.seed_spread, score.spread))
    numbers = (number(score.value), *spreads, floor(score), sizes(score))
    return f"  {cell.side.label}{letter}", *numbers, cell.verdict


#: Characters of a value on the terminal; a page shows all.
_LONGEST = 28
_LONGEST_LINE = 200


def _show_differences(comparison: Comparison, output: Output) -> None:
    for title, found in (("recipe", comparison.recipes), ("environment", comparison.environments)):
        if found:
            output.line(f"what differs in the {title}", "bold")
            _table_or_list(comparison, found, output)
    if not comparison.recipes:
        output.line("the recipes ask for the same, but for names and folders of output")


def _table_or_list(comparison: Comparison, found: Sequence[Difference], output: Output) -> None:
    """A column for each run where that fits the width, else the runs with each value."""
    from ganforge.telling.output import aligned

    labels = [side.label for side in comparison.sides]
    rows = [(each.key, *(_value(given, _LONGEST) for given in each.values)) for each in found]
    if max(map(len, aligned([("key", *labels), *rows]))) + 2 <= output.console.width:
        output.table(("key", *labels), rows, indent=2)
        return
    for each in found:
        output.line(f"  {each.key}")
        by_value: dict[str, list[str]] = {}
        for label, given in zip(labels, each.values, strict=True):
            by_value.setdefault(_value(given, _LONGEST_LINE), []).append(label)
        for value, runs in by_value.items():
            output.paragraph(f"{', '.join(runs)}: {value}", indent=4)


def _value(given: Given | None, longest: int) -> str:
    from ganforge.report.differences import flow

    text = "(not there)" if given is None else flow(given.value)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
