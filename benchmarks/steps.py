"""Training steps: the reference, ganforge's exact step and its fast one, on the networks of shipped recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from operator import mul
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Isolated, Timing, interleaved, peak_gflops
from benchmarks.reference import EMA, ReferenceStep
from ganforge import plugins
from ganforge.plan.plan import Plan
from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.start import build_networks
from ganforge.training.ema import MovingAverage
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.players import Players
from ganforge.training.routes import AutogradRoute, Case, Judgement, Route
from ganforge.training.step import RealBatch, TrainStep

RECIPES = Path(__file__).parent.parent / "recipes"
#: Case -> recipe, batch, factor of all widths.
CASES = {
    "step_128_w64": ("paper/dr_scratch_cgan.yaml", 16, 1.0),
    "step_128_w32": ("paper/dr_scratch_cgan.yaml", 16, 0.5),
    "step_128_w64_frozen": ("paper/dr_transfer_cgan.yaml", 16, 1.0),
    "step_64": ("dr_transfer_cgan.yaml", 32, 1.0),
}
#: ganforge's steps: format of D, format of G, interval of R1.
KINDS = {
    "exact": (torch.float32, torch.float32, 1),
    "fast": (torch.bfloat16, torch.float32, 16),
    "fast, G in bf16": (torch.bfloat16, torch.bfloat16, 16),
}
SUBJECTS = ("reference", *KINDS)
#: Steps with lazy R1 in one measurement: one of 16 has the penalty, and the mean is what counts.
LAZY = 16
#: Rounds before the first that counts; by then the allocator has all that a step needs.
WARM_UP = 2


def case(name: str, repeats: int, *, tuned: bool) -> dict[str, Any]:
    """Seconds, speed against the reference, memory and share of the convolutions' peak, for each subject of a case."""
    with ExitStack() as stack:
        subjects = {s: stack.enter_context(Isolated(partial(build, name, s), tuned=tuned)) for s in SUBJECTS}
        losses = {subject: step(0) for subject, step in subjects.items()}
        turns = {(s, number): partial(step, number) for s, step in subjects.items() for number in _shares(s)}
        times = interleaved(turns, repeats, WARM_UP)
        peaks = {dtype: peak_gflops(dtype) for dtype in (torch.float32, torch.bfloat16)}
        memory = {subject: step.peak_mib() for subject, step in subjects.items()}
        at_peak = {(s, n): _seconds_at_peak(subjects[s].counted_gflop(n), peaks) for s, n in turns}

    rows: dict[str, dict[str, Any]] = {}
    for subject in SUBJECTS:
        shares = _shares(subject)
        rounds = zip(*(times[subject, number].all for number in shares), strict=True)
        timing = Timing(tuple(sum(map(mul, seconds, shares.values())) for seconds in rounds))
        work = sum(share * at_peak[subject, number] for number, share in shares.items())
        rows[subject] = {
            **timing.as_dict(),
            "speedup": times["reference", 0].median / timing.median,
            "share_of_peak": work / timing.median,
            "memory_mib": memory[subject],
            "memory_ratio": memory[subject] / memory["reference"],
            "losses": losses[subject],
        }
    return {"subjects": rows}


def _shares(subject: str) -> dict[int, float]:
    """Number of a step (see `build`) -> share of all steps that are like it."""
    return {0: 1 / LAZY, 1: 1 - 1 / LAZY} if subject.startswith("fast") else {0: 1.0}


def _seconds_at_peak(gflop: Mapping[torch.dtype, float], peaks: Mapping[torch.dtype, float]) -> float:
    """How long a subject's own convolutions and products would take at the rates of large convolutions."""
    return sum(work / peaks[dtype] for dtype, work in gflop.items())


def build(name: str, subject: str, without: str = "") -> Callable[[int], dict[str, float]]:
    """A function of the step's number (0: the penalty is due, 1: not if it is lazy) that does one step.

    without: one of IDEAS, to be left out of ganforge's step.
    """
    recipe, batch, factor = CASES[name]
    plan = plan_of(recipe, factor)
    generator, discriminator = build_networks(plan)
    for network, spec in ((generator, plan.generator), (discriminator, plan.discriminator)):
        for key, parameter in network.named_parameters():
            parameter.requires_grad_(spec.trains[-1][key])
    side = plan.recipe.resolution
    images = torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    labels = torch.arange(batch) % len(plan.classes)
    probabilities = torch.full((len(plan.classes),), 1 / len(plan.classes), dtype=torch.float64)
    training = plan.recipe.training
    (penalty,) = training.regularisers
    samples = range(batch)
    rate = 1e-6  # so that all subjects keep computing on nearly the same weights
    if subject == "reference":
        step = ReferenceStep(generator, discriminator, training.loss, penalty, probabilities, rate)
        return lambda number: step(RealBatch(images, labels), samples)
    dtype, generator_dtype, every = KINDS[subject]
    if without != "channels_last":
        generator = generator.to(memory_format=torch.channels_last)
        discriminator = discriminator.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    if without == "upsampling inside the convolution":
        generator._absorbs = lambda index: False  # type: ignore[method-assign]
    if without == "pooling inside the convolution":
        discriminator._absorbs = lambda index: False  # type: ignore[method-assign]
    fused = without != "fused Adam"
    for_generator, for_discriminator = (
        torch.optim.Adam(list(network.parameters()), rate, (0.0, 0.99), foreach=False, fused=fused)
        for network in (generator, discriminator)
    )
    players = Players(generator, discriminator, for_generator, for_discriminator)
    lazy = penalty.model_copy(update={"every": every})
    route = IDEAS.get(without, PiecewiseRoute)(discriminator, dtype)
    train = TrainStep(players, training.loss, [lazy], probabilities, 0, route, generator_dtype)
    average = MovingAverage(generator, EMA)

    def one(number: int) -> dict[str, float]:
        metrics = train(RealBatch(images, labels), number, samples)
        average.update(generator, 10_000)
        return metrics

    return one


class _TwoPasses(PiecewiseRoute):
    """A pass on the fakes for each player, as published."""

    def judge(self, *cases: Case) -> list[Judgement]:
        judged = super().judge(*(replace(case, generator_loss=None) for case in cases))
        return [self._with_image_gradient(case, found) for case, found in zip(cases, judged, strict=True)]

    def _with_image_gradient(self, case: Case, judged: Judgement) -> Judgement:
        if case.generator_loss is None:
            return judged
        x = case.images.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(case.mean(case.generator_loss(self.discriminator(x, case.labels))), x)
        return replace(judged, image_gradient=gradient)


#: What the exact step does otherwise than the reference, and the route without it.
IDEAS: dict[str, type[Route]] = {
    "gradients without differentiating twice": AutogradRoute,
    "one pass on fakes": _TwoPasses,
    "pooling inside the convolution": PiecewiseRoute,
    "upsampling inside the convolution": PiecewiseRoute,
    "channels_last": PiecewiseRoute,
    "fused Adam": PiecewiseRoute,
}


def ablation(repeats: int, *, tuned: bool) -> dict[str, Any]:
    """The exact step at 128 px and width 32, and the same without one idea at a time.

    The first two also lose the pooling inside the convolutions, on the passes that go another way.
    """
    with ExitStack() as stack:
        steps = {
            without or "all": stack.enter_context(
                Isolated(partial(build, "step_128_w32", "exact", without), tuned=tuned)
            )
            for without in ("", *IDEAS)
        }
        times = interleaved({name: partial(step, 0) for name, step in steps.items()}, repeats, WARM_UP)
    base = times["all"].median
    return {
        f"without {name}" if name != "all" else name: {**timing.as_dict(), "slowdown": timing.median / base}
        for name, timing in times.items()
    }


def plan_of(recipe: str, factor: float, overrides: Sequence[str] = ()) -> Plan:
    """The plan of a shipped recipe, with the widths of its blocks times `factor` and with other values."""
    loaded = load_recipe(RECIPES / recipe, overrides, plugins.load())
    if factor != 1:
        text = [f"{network}.blocks.{key}.channels={round(spec.channels * factor)}"
                for network in ("generator", "discriminator")
                for key, spec in getattr(loaded.recipe, network).blocks.items()
                if hasattr(spec, "channels")]  # fmt: skip
        loaded = load_recipe(RECIPES / recipe, [*overrides, *text], plugins.load())
    return plan_recipe(loaded)
