"""The report that a run writes at its end."""

from __future__ import annotations

from pathlib import Path

from ganforge.networks.staged import Generator
from ganforge.plan.plan import Plan
from ganforge.report.report import Drawn
from ganforge.report.sheets import draw_sheets
from ganforge.report.writing import write_report


def report_finished(folder: Path, generator: Generator, step: int, plan: Plan) -> Path:
    """The page's file, with pictures from the generator of this step. Raises GanforgeError."""
    drawn = Drawn(draw_sheets(generator, plan.classes), of=f"the generator of step {step:,}", recipe=plan.recipe)
    return write_report(folder, drawn, state="finished")[0]
