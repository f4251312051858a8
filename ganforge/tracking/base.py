"""What a tracker is: somebody outside of the run who is told how it goes."""

# H W pixels

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score

Value = str | int | float | bool | None


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker may know of a run: no path but its own folder, and no name of a file or patient."""

    #: Name of the run's folder, such as `00000-dr_transfer_cgan`.
    name: str
    #: Folder within the run that is the tracker's own; not made yet. It is there again when the run is resumed.
    folder: Path
    #: Values of the recipe by their keys, `training.batch`; those that are paths are left out.
    values: Mapping[str, Value]
    classes: tuple[str, ...]
    is_phantom: bool
    #: Steps done, of `num_steps`: more than 0 where the run is resumed.
    step: int
    num_steps: int


class Tracker:
    """Is told about a run. Does nothing with it; subclasses pass it on.

    Nothing is told twice: what was told before a run was stopped is left out when it is resumed. What a method raises
    switches the tracker off, with one warning, and the run goes on. When a method returns, what it was told should be
    safe from a kill. A tracker draws no random numbers from generators that others use.
    """

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """A row of metrics.jsonl: losses, penalties, logits, as means over the steps since the last row."""

    def samples(self, step: int, picture: NDArray[np.uint8]) -> None:
        """A grid of generated images, (H, W, 3): a row for each class with its name, if there are labels."""

    def measured(self, step: int, score: Score) -> None:
        """The score by which the best checkpoint is chosen, taken during the training."""

    def scores(self, step: int, scores: Sequence[Score]) -> None:
        """All scores, at the end."""

    def close(self, *, finished: bool) -> None:
        """The run ends here; finished: for good."""


def score_key(score: Score) -> str:
    """The name of a score in a table of values: that of its class stands behind it."""
    return score.name if score.of_class is None else f"{score.name}/{score.of_class}"
