"""A learning rate over the steps of a stage."""

from __future__ import annotations

from typing import Literal

from ganforge.interfaces import LearningRate, RateSpec
from pydantic import PositiveInt


class WarmUp(RateSpec):
    """Rises along a line over the first steps, and stays."""

    kind: Literal["mylab_warm_up"] = "mylab_warm_up"
    rate: LearningRate
    #: Steps until the rate is reached.
    over: PositiveInt = 100

    def at(self, step: int, num_steps: int) -> float:
        """The rate at `step`, counted from the stage's first."""
        return self.rate * min(1.0, (step + 1) / self.over)
