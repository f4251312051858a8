"""The page of a run as a file in its folder."""

from __future__ import annotations

from pathlib import Path

from ganforge.errors import OutputError
from ganforge.files import write_text
from ganforge.report.comparison import Comparison
from ganforge.report.rendering import render, render_comparison
from ganforge.report.report import Drawn, Report, gather

NAME = "report.html"
#: One that holds photographs of patients has a name that says so, and is never taken for the other.
NAME_WITH_PATIENTS = "report-with-patients.html"


def page_of(folder: Path, panel: Path | None = None) -> Path:
    """Where the page of a run is written, unless it is to be elsewhere."""
    return folder / (NAME if panel is None else NAME_WITH_PATIENTS)


def write_report(
    folder: Path, drawn: Drawn, out: Path | None = None, panel: Path | None = None, state: str | None = None
) -> tuple[Path, Report]:
    """The page's file, in the run folder unless `out` names another, and what it shows. Raises GanforgeError.

    state: that of the run, where run.json says it only when the page is there.
    """
    report = gather(folder, drawn, panel, state)
    path = out or page_of(folder, panel)
    _write(path, render(report))
    return path, report


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write the page about several runs. Raises OutputError."""
    _write(out, render_comparison(comparison))


def _write(path: Path, html: str) -> None:
    try:
        write_text(path, html)
    except OSError as error:
        raise OutputError(f"can't write {path}: {error.strerror}. Choose another file with --out.") from error
