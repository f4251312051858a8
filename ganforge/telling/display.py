"""How a run is shown while it goes on: a bar that moves on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ganforge.listener import StepReport
from ganforge.telling.output import Output, duration

T = TypeVar("T")

#: Between two lines about the same, where lines stay.
SECONDS_BETWEEN_LINES = 10.0
#: Cells that a bar keeps beside the details of a step.
_SHORTEST_BAR = 4


class Display(Protocol):
    """Shows steps and other loops; `close` leaves the terminal as it was."""

    output: Output

    def step(self, report: StepReport) -> None: ...

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterator[T]: ...

    def close(self) -> None: ...


def choose_display(output: Output) -> Display:
    return LiveDisplay(output) if output.is_live else PlainDisplay(output)


class PlainDisplay:
    """Whole lines without control characters, at most one in ten seconds, and at each stage and end.

    A loop that ends before its first line is due has none.
    """

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self.output = output
        self._clock = clock
        self._stage = ""
        self._last_line = 0.0

    def step(self, report: StepReport) -> None:
        is_due = self._clock() - self._last_line >= SECONDS_BETWEEN_LINES
        if is_due or report.stage != self._stage or report.step == report.num_steps:
            self._stage, self._last_line = report.stage, self._clock()
            self._line(f"step {report.step:,}/{report.num_steps:,}  stage {report.stage}  {details(report)}")

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterator[T]:
        """The items, with a line in ten seconds, and one at the end if there was one before."""
        started = last_line = self._clock()
        for done, item in enumerate(items, start=1):
            yield item
            now = self._clock()
            if now - last_line >= SECONDS_BETWEEN_LINES or (done == total and last_line > started):
                last_line = now
                percent = 100 * min(done, total) // max(total, 1)
                left = (now - started) / done * max(total - done, 0)
                self._line(f"{what}: {percent}% ({done:,}/{total:,})  {duration(left)} left")

    def close(self) -> None:
        """Nothing is left to put in order."""

    def _line(self, text: str) -> None:
        self.output.line(text)
        self.output.console.file.flush()


class LiveDisplay:
    """Bars at the foot of the terminal; lines that are written meanwhile stand above them."""

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self.output = output
        self._clock = clock
        self._bars: Progress | None = None
        self._training: TaskID | None = None

    def step(self, report: StepReport) -> None:
        bars = self._started()
        if self._training is None:
            self._training = bars.add_task(report.stage, total=report.num_steps, details="")
        counts = f"{report.step:,}/{report.num_steps:,}"
        room = self.output.console.width - len(f"{report.stage}  {counts} ") - _SHORTEST_BAR
        bars.update(self._training, completed=report.step, description=report.stage, details=details(report, room))
        if report.step == report.num_steps:
            self._end(bars, self._training)
            self._training = None

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterator[T]:
        """The items, with a bar of their own until the last one is done."""
        bars = self._started()
        bar = bars.add_task(what, total=total, details="")
        started = self._clock()
        try:
            for done, item in enumerate(items, start=1):
                yield item
                left = (self._clock() - started) / done * max(total - done, 0)
                bars.update(bar, completed=done, details=f"{duration(left)} left")
        finally:
            self._end(bars, bar)

    def close(self) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._training = None

    def _started(self) -> Progress:
        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f}", markup=False),
                TextColumn("{task.fields[details]}", markup=False),
                console=self.output.console,
                refresh_per_second=4,  # each refresh takes time from the training
                transient=True,
                expand=True,
                redirect_stdout=True,
                redirect_stderr=True,
            )
            self._bars.start()
        return self._bars

    def _end(self, bars: Progress, bar: TaskID) -> None:
        bars.remove_task(bar)
        if bars is self._bars and not bars.tasks:
            self.close()


def details(report: StepReport, room: int | None = None) -> str:
    """`131 images/s  G 0.693  D 1.386  0:12:34 left`; D is the sum of its losses on real and generated images.

    room: cells that there are; what doesn't fit is left out, first the losses, last the time.
    """
    metrics = report.metrics
    speed, losses, left = f"{report.images_per_second:.3g} images/s", [], []
    if "loss_generator" in metrics:
        losses.append(f"G {metrics['loss_generator']:.3f}")
    if "loss_real" in metrics and "loss_fake" in metrics:
        losses.append(f"D {metrics['loss_real'] + metrics['loss_fake']:.3f}")
    if report.images_per_second > 0:
        images_left = report.images / report.step * (report.num_steps - report.step)
        left.append(f"{duration(images_left / report.images_per_second)} left")
    texts = ["  ".join(parts) for parts in ([speed, *losses, *left], [speed, *left], left)]
    return next((text for text in texts if room is None or len(text) <= room), "")
