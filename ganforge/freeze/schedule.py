"""Which stage a step belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ganforge.recipe.models import StageSpec


class Position(NamedTuple):
    """A step within the stages."""

    number: int
    stage: StageSpec
    #: Steps since the stage began.
    step: int


class Schedule:
    """The stages one after the other."""

    def __init__(self, stages: Sequence[StageSpec]) -> None:
        self.stages = tuple(stages)

    @property
    def num_steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def at(self, step: int) -> Position:
        """The stage in which step `step` (0 <= step < num_steps) is done."""
        remaining = step
        for number, stage in enumerate(self.stages):
            if remaining < stage.steps:
                return Position(number, stage, remaining)
            remaining -= stage.steps
        raise IndexError(f"step {step} is behind the last of {self.num_steps} steps")
