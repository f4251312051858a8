"""Training steps: the reference, ganforge's exact step and its fast one, on the networks of shipped recipes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import counted_gflop, interleaved, peak_gflops
from benchmarks.reference import ReferenceStep
from ganforge import plugins
from ganforge.execute import build_networks, plan_recipe
from ganforge.hardware import keep_freed_memory
from ganforge.plan.plan import Plan
from ganforge.recipe.load import load_recipe
from ganforge.training.ema import MovingAverage
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.step import Players, RealBatch, TrainStep

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


def case(name: str, repeats: int) -> dict[str, Any]:
    """Times, ratios, work and memory of all subjects of a case."""
    subjects = {subject: build(name, subject) for subject in SUBJECTS}
    losses = {subject: step(0) for subject, step in subjects.items()}
    # lazy R1: a step with the penalty and one without, weighted 1 : 15 below
    rounds: dict[str, Callable[[], object]] = {}
    for subject, step in subjects.items():
        rounds[subject] = lambda step=step: step(0)  # type: ignore[misc]
        if subject.startswith("fast"):
            rounds[f"{subject}, no penalty"] = lambda step=step: step(1)  # type: ignore[misc]
    times = interleaved(rounds, repeats, warmup=0)
    work = counted_gflop(lambda: subjects["exact"](0))
    peak = peak_gflops(torch.float32)
    rows: dict[str, dict[str, Any]] = {}
    for subject in SUBJECTS:
        seconds = times[subject].median
        if subject.startswith("fast"):
            seconds = (seconds + (LAZY - 1) * times[f"{subject}, no penalty"].median) / LAZY
        rows[subject] = {
            **times[subject].as_dict(),
            "seconds": seconds,
            "speedup": times["reference"].median / seconds,
            "memory_mib": memory(name, subject),
            "losses": losses[subject],
        }
    for row in rows.values():
        row["memory_ratio"] = row["memory_mib"] / rows["reference"]["memory_mib"]
    rate = work / rows["exact"]["seconds"]
    return {"subjects": rows, "exact_gflop": work, "exact_gflops": rate, "peak_gflops": peak, "share": rate / peak}


def build(name: str, subject: str) -> Callable[[int], dict[str, float]]:
    """A function of the step's number (0: the penalty is due, 1: not if it is lazy) that does one step."""
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
    generator = generator.to(memory_format=torch.channels_last)
    discriminator = discriminator.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
    build_optimizer = training.optimizer.build
    players = Players(
        generator,
        discriminator,
        build_optimizer(list(generator.parameters()), rate),
        build_optimizer(list(discriminator.parameters()), rate),
        augmentations=[],
    )
    lazy = penalty.model_copy(update={"every": every})
    route = PiecewiseRoute(discriminator, dtype)
    train = TrainStep(players, training.loss, [lazy], probabilities, 0, route, generator_dtype)
    average = MovingAverage(generator, 0.999)

    def one(number: int) -> dict[str, float]:
        metrics = train(RealBatch(images, labels), number, samples)
        average.update(generator, 10_000)
        if "penalty_real" in metrics:
            metrics["penalty_real"] /= every
        return metrics

    return one


def plan_of(recipe: str, factor: float) -> Plan:
    """The plan of a shipped recipe, with the widths of its blocks times `factor`."""
    loaded = load_recipe(RECIPES / recipe, (), plugins.load())
    if factor != 1:
        text = [f"{network}.blocks.{key}.channels={round(spec.channels * factor)}"
                for network in ("generator", "discriminator")
                for key, spec in getattr(loaded.recipe, network).blocks.items()
                if hasattr(spec, "channels")]  # fmt: skip
        loaded = load_recipe(RECIPES / recipe, text, plugins.load())
    return plan_recipe(loaded)


def memory(name: str, subject: str) -> float:
    """Peak MiB of two steps in a fresh process, over what it had with the networks built."""
    command = [sys.executable, "-m", "benchmarks.steps", name, subject]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=RECIPES.parent)
    return float(json.loads(out.stdout)["mib"])


def _measure_memory(name: str, subject: str) -> None:
    keep_freed_memory()
    step = build(name, subject)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step(0)
    step(0)
    print(json.dumps({"mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024}))


if __name__ == "__main__":
    _measure_memory(*sys.argv[1:])
