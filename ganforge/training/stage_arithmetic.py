"""In which arithmetic each stage of a run computes: chosen when the run first comes to it, and kept from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import torch

from ganforge.hardware import round_products
from ganforge.plan.plan import Plan
from ganforge.processes.group import Processes
from ganforge.runs.rundir import RunDir
from ganforge.training.arithmetic import Arithmetic, checked, choose, lost_arithmetic, read_arithmetic, with_intervals
from ganforge.training.piecewise import route_for
from ganforge.training.step import TrainStep


class StageArithmetic:
    """Sets the training step to what the recipe's `step` means on this device, as run.json records it."""

    def __init__(
        self,
        plan: Plan,
        train_step: TrainStep,
        run: RunDir,
        device: torch.device,
        processes: Processes,
        tell: Callable[[str], None],
    ) -> None:
        """tell: is given a sentence or two when the arithmetic changes."""
        self._plan, self._step, self._run = plan, train_step, run
        self._device, self._processes, self._tell = device, processes, tell
        #: None until the first stage is entered.
        self.current: Arithmetic | None = None

    def enter(self, stage: int, samples: Sequence[int]) -> None:
        """Compute as this stage does from now on; samples: numbers of those of its next step, of all processes.

        Later stages keep the choice of the first, but for the generator's format, since other parameters train.
        """
        found = self._processes.from_first(lambda: asdict(self._choose(stage, samples)))
        self._compute_in(Arithmetic(**found))

    def resume(self, stage: int) -> None:
        """Compute as the run did in this stage. Raises CheckpointError where run.json doesn't say how."""
        recorded = read_arithmetic(self._run.read_state())
        if stage not in recorded:
            raise lost_arithmetic()
        self._compute_in(recorded[stage])

    def round_products(self) -> None:
        """Let the device's products be rounded as the stage wants it, behind what wants it otherwise."""
        assert self.current is not None
        round_products(self._device, allowed=self.current.discriminator == "bfloat16")

    def _choose(self, stage: int, samples: Sequence[int]) -> Arithmetic:
        training = self._plan.recipe.training
        recorded = read_arithmetic(self._run.read_state())
        if stage in recorded:
            return recorded[stage]
        first = recorded.get(0) or choose(training.step, self._device)
        share = training.batch // self._processes.size
        found = checked(first.unchecked, self._step, samples[: training.microbatch], self._device, share)
        recorded[stage] = found
        self._run.write_state(arithmetic={str(number): asdict(each) for number, each in recorded.items()})
        return found

    def _compute_in(self, arithmetic: Arithmetic) -> None:
        if arithmetic != self.current:
            self._tell(str(arithmetic))
        self.current = arithmetic
        dtypes = getattr(torch, arithmetic.discriminator), getattr(torch, arithmetic.generator)
        route = route_for(self._plan.discriminator, self._step.players.discriminator, dtypes[0])
        regularisers = with_intervals(self._plan.recipe.training.regularisers, arithmetic)
        self._step.compute_in(route, dtypes[1], regularisers)
        self.round_products()
