"""What a report draws from the generator of a run, or why it can't."""

from __future__ import annotations

from pathlib import Path

import torch

from ganforge.errors import GanforgeError
from ganforge.listener import Listener
from ganforge.opening import load_generator, open_run
from ganforge.plan.plan import Plan
from ganforge.registry import Components
from ganforge.report.report import Drawn
from ganforge.report.sheets import draw_sheets


class _Heard(Listener):
    """Keeps what is told of the checkpoint that was taken."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def draw_from(folder: Path, components: Components, device: torch.device) -> Drawn:
    """Pictures from the run's best checkpoint, or from its newest; without one, or its plugins, the reason."""
    try:
        plan, run_dir = open_run(folder, components)
    except GanforgeError as error:
        return Drawn(missing=str(error))
    if not run_dir.checkpoints.is_dir():
        return Drawn(missing="the run has no checkpoint yet.", recipe=plan.recipe)
    return _drawn(folder, plan, components, device)


def _drawn(folder: Path, plan: Plan, components: Components, device: torch.device) -> Drawn:
    heard = _Heard()
    try:
        generator, _ = load_generator(folder, components, device, heard)
    except GanforgeError as error:
        return Drawn(missing=str(error), recipe=plan.recipe)
    sheets = draw_sheets(generator, plan.classes)
    return Drawn(sheets, of=" ".join(heard.notes), warnings=heard.warnings, recipe=plan.recipe)
