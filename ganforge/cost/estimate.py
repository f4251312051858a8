"""What a run on one or several processes would take, counted from its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)

from ganforge.cost.counting import Counting, Work, counting
from ganforge.cost.made_up import MadeUpStep, Shells
from ganforge.errors import UsageError
from ganforge.listener import Listener
from ganforge.plan.plan import Plan
from ganforge.planning import plan_recipe, warn_of_what_is_lacking
from ganforge.processes.group import batch_problem
from ganforge.recipe.load import LoadedRecipe
from ganforge.runs.space import needed_bytes
from ganforge.training.arithmetic import LAZY_INTERVAL, Arithmetic, cycle_of_penalties

#: Of what is counted: what the allocator can't hand out, and what convolutions work in. See docs/scaling.md.
MARGIN_SHARE = 0.25
#: What CUDA and NCCL keep for themselves. Measured for one small training on one GPU alone.
MARGIN_BYTES = 1e9

EXACT = Arithmetic("float32", "float32", 1, "exact step")
#: The check at the start of each stage may leave the generator in float32.
FAST = Arithmetic("bfloat16", "bfloat16", LAZY_INTERVAL, "fast step")


@dataclass(frozen=True)
class StageCost:
    """Of a stage, for each process."""

    stage: str
    steps: int
    #: Format in which convolutions compute.
    dtype: str
    #: Of a step, the mean over those with and without a gradient penalty.
    work: Work
    #: `weights` (of both networks, the moving average, and a network that the discriminator looks through),
    #: `optimizer`, `gradients`: bytes between steps.
    held: dict[str, int]
    #: The most bytes that live within a step.
    peak: int
    #: Bytes of the two sums of a step, the generator's and the discriminator's; none for one process.
    sums: tuple[int, ...]

    @property
    def features(self) -> int:
        """Bytes beyond those between steps: features, what the penalty keeps, copies on their way."""
        return self.peak - sum(self.held.values())


@dataclass(frozen=True)
class Costs:
    """What a run would take, of which nothing was computed."""

    plan: Plan
    #: Number of processes.
    size: int
    stages: tuple[StageCost, ...]
    disk_bytes: int

    @property
    def peak(self) -> int:
        """Bytes of the stage and format that need most."""
        return max(cost.peak for cost in self.stages)

    @property
    def memory(self) -> float:
        """The same with the margin."""
        return with_margin(self.peak)


def with_margin(peak: int) -> float:
    """Bytes that a GPU should have for tensors of `peak` bytes."""
    return (1 + MARGIN_SHARE) * peak + MARGIN_BYTES


def count_costs(loaded: LoadedRecipe, size: int, listener: Listener) -> Costs:
    """Count for `size` processes; where the recipe leaves the format open, for both.

    Raises RecipeError where the batch can't be divided evenly. Files that a run would lack are warned of.
    """
    problem = batch_problem(loaded.recipe.training.batch, size)
    if problem is not None:
        raise loaded.error((problem,))
    plan = plan_recipe(loaded)
    warn_of_what_is_lacking(loaded.recipe, listener)
    formats = {"exact": [EXACT], "fast": [FAST], "auto": [EXACT, FAST]}[plan.recipe.training.step]
    counted = [
        count_stages(plan, size, arithmetic)
        for arithmetic in listener.progress(formats, len(formats), "counting the steps")
    ]
    stages = tuple(cost for of_stage in zip(*counted, strict=True) for cost in of_stage)
    return Costs(plan, size, stages, needed_bytes(plan))


def count_stages(
    plan: Plan, size: int, arithmetic: Arithmetic, numbers: Sequence[int] | None = None
) -> list[StageCost]:
    """One for each stage, or for those with these numbers. Raises UsageError where a part can't be counted."""
    shells = Shells.of(plan)
    found = []
    try:
        with counting() as counter:
            step = MadeUpStep(shells, size, arithmetic)
            for number in range(len(plan.recipe.stages)) if numbers is None else numbers:
                found.append(_count_stage(plan, number, step, counter, arithmetic))
    except (
        DataDependentOutputException,
        DynamicOutputShapeException,
        UnsupportedFakeTensorException,
        UnsupportedOperatorException,
    ) as error:
        raise UsageError(
            f"the recipe can't be counted, since a part of it asks for numbers ({error}). Leave --gpus out: "
            "`--dry-run` alone computes."
        ) from error
    return found


def _count_stage(plan: Plan, number: int, step: MadeUpStep, counter: Counting, arithmetic: Arithmetic) -> StageCost:
    step.enter(number)
    stage = plan.recipe.stages[number]
    steps = range(1, 1 + stage.steps)
    cycle = cycle_of_penalties(step.regularisers, steps)
    step(steps[0])  # the optimizers' state is made in the first step
    work, peak = Work(), 0
    for alike in cycle:
        counter.restart()
        step(alike[0])
        _add(work, counter.work, len(alike) / sum(map(len, cycle)))
        peak = max(peak, counter.peak)
    return StageCost(
        stage.name, stage.steps, arithmetic.discriminator, work, step.held(), peak, tuple(step.processes.sums)
    )


def _add(total: Work, work: Work, share: float) -> None:
    total.flop += Counter({dtype: round(flop * share) for dtype, flop in work.flop.items()})
    total.moved += round(work.moved * share)
    total.operations += round(work.operations * share)
    total.drawn += round(work.drawn * share)
