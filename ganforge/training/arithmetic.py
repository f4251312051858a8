"""Number formats of the two networks' convolutions and rate of penalties: what `training.step` becomes on a device."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.hardware import has_fast_bf16, round_products
from ganforge.interfaces import RegulariserSpec
from ganforge.training.step import TrainStep

#: Steps from one gradient penalty to the next in a fast step (Karras et al. 2020, appendix B).
LAZY_INTERVAL = 16
#: Share by which bfloat16 may change the generator's gradient (norm of the difference over norm).
LARGEST_DEVIATION = 0.05


@dataclass(frozen=True)
class Arithmetic:
    """Formats in which convolutions compute, with parameters and optimizers in float32; how lazy penalties are."""

    generator: Literal["float32", "bfloat16"]
    discriminator: Literal["float32", "bfloat16"]
    #: Steps from one penalty to the next, for regularisers whose recipe leaves it open.
    penalty_interval: int
    #: One sentence: what was picked and why.
    reason: str
    #: One sentence on the generator's gradient, if it was checked.
    check: str = ""

    @property
    def unchecked(self) -> Arithmetic:
        """As it was before the generator's gradient was checked."""
        return replace(self, generator=self.discriminator, check="")

    def __str__(self) -> str:
        return f"{self.reason} {self.check}".strip()


def read_arithmetic(state: Mapping[str, Any]) -> dict[int, Arithmetic]:
    """How a run computed in each stage that it came to, from its run.json. Raises CheckpointError."""
    try:
        found = {int(number): Arithmetic(**row) for number, row in state.get("arithmetic", {}).items()}
        if sorted(found) != list(range(len(found))) or not all(_can_be(each) for each in found.values()):
            raise ValueError(found)
    except (AttributeError, TypeError, ValueError) as error:
        raise lost_arithmetic() from error
    return found


def lost_arithmetic() -> CheckpointError:
    """The error for a run that can't be continued as it began."""
    return CheckpointError("run.json is damaged: it doesn't say how the run computed.")


def _can_be(arithmetic: Arithmetic) -> bool:
    formats = (arithmetic.generator, arithmetic.discriminator)
    known = {("float32", "float32"), ("float32", "bfloat16"), ("bfloat16", "bfloat16")}
    return formats in known and type(arithmetic.penalty_interval) is int and arithmetic.penalty_interval > 0


def choose(step: Literal["exact", "fast", "auto"], device: torch.device) -> Arithmetic:
    """float32 for an exact step; bfloat16 and lazy penalties for a fast one, for the generator subject to `checked`."""
    slow = f"this {device.type} has no native bfloat16"
    has_bf16 = has_fast_bf16(device)
    if step == "exact" or (step == "auto" and not has_bf16):
        reason = "exact step: float32." if step == "exact" else f"exact step: {slow}."
        return Arithmetic("float32", "float32", 1, reason)
    native = f"which this {device.type} computes natively" if has_bf16 else f"though {slow}; `exact` may be faster"
    return Arithmetic("bfloat16", "bfloat16", LAZY_INTERVAL, f"fast step: bfloat16, {native}.")


def with_intervals(regularisers: Sequence[RegulariserSpec], arithmetic: Arithmetic) -> list[RegulariserSpec]:
    """The same, with an interval where the recipe leaves it open."""
    interval = {"every": arithmetic.penalty_interval}
    return [spec if spec.every is not None else spec.model_copy(update=interval) for spec in regularisers]


def cycle_of_penalties(regularisers: Sequence[RegulariserSpec], steps: range) -> list[list[int]]:
    """The first of the steps, until the same penalties are due again: those with any, and those without, where any are.

    regularisers: with their intervals.
    """
    intervals = [regulariser.every or 1 for regulariser in regularisers]
    alike: dict[bool, list[int]] = {True: [], False: []}
    for step in steps[: math.lcm(*intervals)]:
        alike[any(step % interval == 0 for interval in intervals)].append(step)
    return [found for found in alike.values() if found]


def checked(
    arithmetic: Arithmetic, step: TrainStep, samples: Sequence[int], device: torch.device, at_once: int | None = None
) -> Arithmetic:
    """The same, with the generator in float32 if bfloat16 would change its gradient too much.

    Compares the gradients of the parameters that train now, for the same gradient at the images; changes nothing else.
    at_once: how many of the samples are computed together; None: all.
    """
    if arithmetic.generator == "float32":
        return arithmetic
    round_products(device, allowed=False)
    deviation = generator_deviation(step, samples, device, at_once)
    if math.isnan(deviation):
        found = "no gradient reaches it by which bfloat16 could be checked"
    else:
        found = f"the generator's gradient is {deviation:.1%} off in it"
        if deviation <= LARGEST_DEVIATION:
            return replace(arithmetic, check=f"{found.capitalize()}.")
        found += f", more than {LARGEST_DEVIATION:.0%}"
    return replace(arithmetic, generator="float32", check=f"The generator stays in float32: {found}.")


def generator_deviation(
    step: TrainStep, samples: Sequence[int], device: torch.device, at_once: int | None = None
) -> float:
    """Relative deviation of the generator's gradient in bfloat16 from that in float32; nan where there is none."""
    at_once = at_once or len(samples)
    first, *others = (
        _gradients(step, part, device, share=len(part) / len(samples))
        for part in (samples[start : start + at_once] for start in range(0, len(samples), at_once))
    )
    for other in others:
        for (exact, rounded), (more_exact, more_rounded) in zip(first, other, strict=True):
            exact.add_(more_exact)
            rounded.add_(more_rounded)
    if not first:
        return float("nan")
    difference = torch.stack([(rounded - exact).norm() for exact, rounded in first]).norm()
    return (difference / torch.stack([exact.norm() for exact, _ in first]).norm()).item()


def _gradients(
    step: TrainStep, samples: Sequence[int], device: torch.device, share: float
) -> list[tuple[Tensor, Tensor]]:
    """By each parameter that gets one: the gradient in float32, and in bfloat16 for the same gradient at the images."""
    generator, discriminator = step.players.generator, step.players.discriminator
    trained = [parameter for parameter in generator.parameters() if parameter.requires_grad]
    _, fakes, labels = step.draw_fakes(samples, device, torch.float32)
    images = fakes.detach().requires_grad_()
    loss = step.loss.generator(discriminator(images, labels)).mean() * share
    (cotangent,) = torch.autograd.grad(loss, images)
    exact = torch.autograd.grad(fakes, trained, cotangent, allow_unused=True)
    fakes = step.draw_fakes(samples, device, torch.bfloat16).augmented
    rounded = torch.autograd.grad(fakes, trained, cotangent, allow_unused=True)
    return [(e, r) for e, r in zip(exact, rounded, strict=True) if e is not None and r is not None]
