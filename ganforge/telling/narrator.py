"""A run in words: what it starts from, what trains, what came out, and what to do next."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from ganforge.errors import one_line
from ganforge.listener import Listener, StepReport
from ganforge.phantoms import PHANTOM
from ganforge.telling import commands
from ganforge.telling.display import Display
from ganforge.telling.output import counted, duration
from ganforge.telling.scores import show_scores
from ganforge.telling.summary import stages

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages
    from ganforge.evaluation.score import Score
    from ganforge.freeze.policy import FreezeRow
    from ganforge.plan.plan import Plan
    from ganforge.weights.load import LoadReport
    from ganforge.weights.pretrained import Provenance

T = TypeVar("T")

#: Number of standard error as the system counts.
STDERR = 2


class Narrator(Listener):
    """Tells on a display what a run reports. Use it in a `with` statement, which closes the display."""

    def __init__(
        self, display: Display, command: Callable[..., str] = commands.command, again: Sequence[str] = ()
    ) -> None:
        """command: makes a command of its words. again: options with which a stopped run is to be resumed."""
        self.display = display
        self.output = display.output
        self.command = command
        self.again = again
        #: Folder of the run, once it is known.
        self.folder: Path | None = None
        self._plan: Plan | None = None
        self._grid: Path | None = None
        self._report: Path | None = None
        self._spent_before = 0.0

    def __enter__(self) -> Narrator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.display.close()

    def warning(self, text: str) -> None:
        self.output.labelled("warning", text, "yellow")

    def note(self, text: str) -> None:
        self.output.paragraph(text)

    def planned(self, plan: Plan, folder: Path) -> None:
        self.folder, self._plan = folder, plan
        self.output.line(plan.recipe.name, "bold")
        if plan.recipe.description:
            self.output.paragraph(plan.recipe.description, indent=2)
        self.output.line(f"folder: {folder} (with samples/ and checkpoints/)")
        self.output.line()
        stages(plan, self.output)
        self.output.line()

    def data(self, train: LabelledImages, held_out: LabelledImages) -> None:
        card = train.card
        self.output.paragraph(
            f"data: {one_line(card.name)}, licence: {card.licence}; {counted(len(train), 'image')} to train on, "
            f"{len(held_out):,} held out"
        )
        if card.is_phantom:
            self.output.line(PHANTOM, "bold yellow")
        counts = zip(card.classes, train.class_counts(), held_out.class_counts(), strict=True)
        rows = [(name, f"{trained:,}", f"{kept:,}") for name, trained, kept in counts]
        self.output.table(("class", "train", "held out"), rows, right={1, 2}, indent=2)
        self.output.line()

    def source(self, provenance: Provenance, reports: Sequence[LoadReport]) -> None:
        self.output.paragraph(f"source: {provenance.name}, licence: {provenance.licence}")
        self.output.line(f"  from {provenance.origin}")
        for report in reports:
            self.output.paragraph(report.summary(), indent=2)
            for line in report.classes:
                self.output.paragraph(line, indent=4)
        self.output.line()

    def resumed(self, step: int) -> None:
        self.output.line(f"continued from the checkpoint of step {step:,}")

    def stopping(self, signal: str) -> None:
        text = f"{signal}: the step is finished and saved first; a second signal stops at once.\n"
        with suppress(OSError):
            os.write(STDERR, f"\n{text}".encode() if self.output.is_live else text.encode())

    def spent_before(self, seconds: float) -> None:
        self._spent_before = seconds

    def stage(self, name: str, table: Sequence[FreezeRow]) -> None:
        trained = {row.network: 0 for row in table}
        for row in table:
            trained[row.network] += row.trained_parameters
        text = ", ".join(f"{number:,} of the {network}" for network, number in trained.items())
        self.output.paragraph(f"stage {name}: trains {text}")

    def step(self, report: StepReport) -> None:
        self.display.step(report)

    def wrote(self, what: str, path: Path) -> None:
        if what == "samples":
            self._grid = path
        elif what == "report":
            self._report = path

    def measured(self, step: int, score: Score, *, is_best: bool) -> None:
        best = ", the best so far" if is_best else ""
        self.output.paragraph(f"step {step:,}: {score.name} {score.value:.4g}{best}")

    def scores(self, scores: Sequence[Score]) -> None:
        self.output.line()
        self.output.line("scores", "bold")
        show_scores(scores, self.output)

    def finished(self, folder: Path, seconds: float) -> None:
        self.folder = folder
        self.output.line()
        if self._plan is None:
            self.output.line(f"{folder} is finished already; nothing was done")
            self.output.line(f"next: {self.command('sample', folder, '--count', 16, '--out', 'samples')}")
            return
        whole = f" ({duration(self._spent_before + seconds)} with what was done before)" if self._spent_before else ""
        self.output.line(f"finished in {duration(seconds)}{whole}", "bold green")
        self.output.line(f"run: {folder}")
        if self._grid is not None:
            self.output.line(f"samples: {self._grid}")
        if self._report is not None:
            self.output.line(f"report: {self._report}")
        self.output.line(f"next: {one_line(self._next(self._plan, folder))}")

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterable[T]:
        return self.display.progress(items, total, what)

    def resume_command(self) -> str | None:
        """The command that continues the run, or None before it has a folder."""
        return self.command("resume", self.folder, *self.again) if self.folder else None

    def _next(self, plan: Plan, folder: Path) -> str:
        name = plan.classes[-1]
        wanted = name if name == one_line(name) else len(plan.classes) - 1
        label = ("--label", wanted) if plan.generator.is_conditional else ()
        return self.command("sample", folder, *label, "--count", 16, "--out", "samples")
