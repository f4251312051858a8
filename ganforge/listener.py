"""What a run tells while it goes on. The command line renders it; a notebook may ignore it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages
    from ganforge.evaluation.score import Score
    from ganforge.freeze.policy import FreezeRow
    from ganforge.plan.plan import Plan
    from ganforge.weights.load import LoadReport
    from ganforge.weights.pretrained import Provenance

T = TypeVar("T")


@dataclass(frozen=True)
class StepReport:
    """One step that was done."""

    #: Steps done, of `num_steps`.
    step: int
    num_steps: int
    stage: str
    images: int
    images_per_second: float
    metrics: Mapping[str, float]


class Listener:
    """Does nothing with what it is told; subclasses render."""

    def warning(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...

    def planned(self, plan: Plan, folder: Path) -> None: ...

    def data(self, train: LabelledImages, held_out: LabelledImages) -> None: ...

    def source(self, provenance: Provenance, reports: Sequence[LoadReport]) -> None: ...

    def resumed(self, step: int) -> None: ...

    def stopping(self, signal: str) -> None:
        """A signal came, and the run ends when its step is saved.

        Called within the signal's handler, perhaps in the middle of a write: no buffered stream may be used.
        """

    def spent_before(self, seconds: float) -> None:
        """What the run took until now, of a run that goes on: without what killed processes had done."""

    def stage(self, name: str, table: Sequence[FreezeRow]) -> None: ...

    def step(self, report: StepReport) -> None: ...

    def metrics(self, row: Mapping[str, Any]) -> None:
        """A row of metrics.jsonl was written: step, images, stage, and means over the steps since the last row."""

    def wrote(self, what: str, path: Path) -> None: ...

    def measured(self, step: int, score: Score, *, is_best: bool) -> None: ...

    def scores(self, scores: Sequence[Score]) -> None: ...

    def finished(self, folder: Path, seconds: float) -> None: ...

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterable[T]:
        """The same items, for a loop that takes a while."""
        return items
