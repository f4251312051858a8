"""`python -m benchmarks.scaling`: memory for each GPU, and a model of a step's time on 1 to 64 GPUs.

Nothing is measured. Work, bytes and operations are counted from the recipe (`ganforge.cost`) at two sizes of a
process's share, between and beyond which they grow evenly; what a GPU makes of them are the assumptions below.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.steps import plan_of
from ganforge.cost.estimate import FAST, StageCost, count_stages, with_margin

RECIPES = ("dr_128_cgan", "dr_256_cgan")
#: Numbers of processes that are counted: with 64 images in a batch, shares of 64, 16 and 8.
COUNTED = (1, 4, 8)
GPUS = (1, 2, 4, 8, 16, 32, 64)
#: GPUs of one machine.
MACHINE = 8
SIZES = (16, 24, 40, 80)

# An A100 with 80 GB, by its data sheet: products in bfloat16, and in float32 rounded to TF32; bytes of memory.
PEAK = {"bfloat16": 312e12, "float32": 156e12}
MEMORY = 2.0e12
#: Share of both that convolutions of these widths, and operations on each pixel, come to.
REACHED, REACHED_MEMORY = 0.35, 0.7
#: Seconds in which the processor starts an operation, and in which it draws a random number.
START, DRAW = 8e-6, 5e-9
#: Bytes a second in which a ring goes on, and seconds of one of its 2 (N - 1) turns.
LINKS = {"NVLink": (230e9, 5e-6), "100 Gbit/s": (0.9 * 100e9 / 8, 20e-6), "10 Gbit/s": (0.9 * 10e9 / 8, 30e-6)}
#: Twice the GPUs should bring at least so many times the images.
WORTH = 1.3

BATCH = 64

Counts = Mapping[int, StageCost]


@dataclass(frozen=True)
class Step:
    """Of a step on some GPUs, in seconds."""

    gpus: int
    link: str
    computing: float
    summing: float

    @property
    def seconds(self) -> float:
        return self.computing + self.summing


def counts(recipe: str, sizes: Sequence[int] = COUNTED) -> dict[int, StageCost]:
    """The last stage of a fast step by number of processes, all images of a share at once."""
    plan = plan_of(f"{recipe}.yaml", 1.0, ["training.microbatch=null"])
    assert plan.recipe.training.batch == BATCH
    return {size: count_stages(plan, size, FAST, [len(plan.recipe.stages) - 1])[0] for size in sizes}


def steps(found: Counts) -> list[Step]:
    """The modelled step on each number of GPUs, over each link that is there."""
    (first, a), (second, b), *_ = sorted(found.items(), reverse=True)
    rows = []
    for gpus in GPUS:
        share = BATCH / gpus

        def at(small: float, large: float, share: float = share) -> float:
            """A count at this share, from those at two others."""
            low, high = BATCH / first, BATCH / second
            return small + (large - small) * (share - low) / (high - low)

        flop = sum(at(a.work.flop[dtype], b.work.flop[dtype]) / (REACHED * peak) for dtype, peak in PEAK.items())
        moved = at(a.work.moved, b.work.moved) / (REACHED_MEMORY * MEMORY)
        starting = START * at(a.work.operations, b.work.operations) + DRAW * at(a.work.drawn, b.work.drawn)
        computing = max(flop + moved, starting)
        links = ["NVLink"] if gpus <= MACHINE else ["100 Gbit/s", "10 Gbit/s"]
        rows += [Step(gpus, link, computing, _summing(a.sums, gpus, link)) for link in links]
    return rows


def _summing(sums: Sequence[int], gpus: int, link: str) -> float:
    """Two rings, one after the other; nothing is computed meanwhile."""
    rate, turn = LINKS[link]
    return sum(2 * (gpus - 1) / gpus * size / rate + 2 * (gpus - 1) * turn for size in sums)


def step_table(recipe: str, found: Counts) -> Iterator[str]:
    yield f"| `{recipe}`: GPUs | link | images each | computing, ms | summing, ms | images/s | efficiency |"
    yield "|---|---|---|---|---|---|---|"
    rows = steps(found)
    alone = rows[0].seconds
    for step in rows:
        yield (
            f"| {step.gpus} | {step.link if step.gpus > 1 else ''} | {BATCH // step.gpus} "
            f"| {1e3 * step.computing:.0f} | {1e3 * step.summing:.1f} | {BATCH / step.seconds:,.0f} "
            f"| {alone / step.seconds / step.gpus:.0%} |"
        )
    for link in ("100 Gbit/s", "10 Gbit/s"):
        line = [step for step in rows if step.link in ("NVLink", link)]
        last = line[0].gpus
        for before, after in pairwise(line):
            if before.seconds / after.seconds < WORTH:
                break
            last = after.gpus
        yield ""
        yield f"With {link} between machines: up to {last} GPUs, twice as many are at least {WORTH} times as fast."


def memory_table(recipe: str, found: Counts) -> Iterator[str]:
    for size, cost in sorted(found.items()):
        need = with_margin(cost.peak) / 1e9
        fits = next((f"{gb} GB" for gb in SIZES if gb >= need), "none")
        yield f"| `{recipe}.yaml` | {BATCH // size} | {cost.peak / 1e9:.1f} | {need:.1f} | {fits} |"


def main() -> None:
    memory = ["| recipe | images at a time | GB of tensors | with the margin | GPU |", "|---|---|---|---|---|"]
    tables: list[str] = []
    for recipe in sys.argv[1:] or RECIPES:
        found = counts(recipe)
        memory += memory_table(recipe, found)
        tables += ["", *step_table(recipe, found)]
    print("\n".join([*memory, *tables]))


if __name__ == "__main__":
    main()
