"""What `ganforge sample` does: images of the wanted classes, from wherever a trained generator lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ganforge.card import Card
from ganforge.errors import UsageError
from ganforge.hardware import has_fast_bf16, round_products
from ganforge.listener import Listener
from ganforge.opening import open_trained
from ganforge.processes.group import ALONE, Processes
from ganforge.registry import Components
from ganforge.samples.request import Layout, Origin
from ganforge.samples.wanted import wanted_counts
from ganforge.samples.write import write_samples
from ganforge.sampling import Sampler, batch_for
from ganforge.weights.content import digest_of


@dataclass(frozen=True)
class WantedSamples:
    """What to draw, as the command line says it."""

    #: `CLASS` or `CLASS=N`, by name or number; none: all classes.
    labels: tuple[str, ...] = ()
    #: Images of each class without a number.
    count: int = 16
    seed: int = 0
    first: int = 0
    truncation: float = 1.0
    layout: Layout = "flat"
    #: Whether to compute in bfloat16, where the device has instructions for it.
    is_fast: bool = False


@dataclass(frozen=True)
class Drawn:
    """What was written."""

    table: Path
    #: Number of images by the name of their class and its label, in their order.
    counts: Mapping[tuple[str, int], int]
    card: Card


def draw(
    source: Path,
    wanted: WantedSamples,
    out: Path,
    components: Components,
    listener: Listener,
    device: torch.device,
    processes: Processes = ALONE,
) -> Drawn:
    """Images of the generator at `source` (see `open_trained`), as `write_samples` writes them.

    All processes call this; they get the first one's weights. Raises GanforgeError; RunStopped at a signal.
    """
    trained = processes.in_order(lambda: open_trained(source, components, device, listener))
    card = trained.card
    classes: Sequence[str] = card.classes if card.is_conditional else ("unconditional",)

    def count() -> list[tuple[int, int]]:
        if wanted.labels and not card.is_conditional:
            raise UsageError(f"{source} was trained without labels, so that no class can be asked for. Omit --label.")
        return list(wanted_counts(wanted.labels, wanted.count, classes).items())

    counts = dict(processes.from_first(count))
    is_fast = processes.from_first(lambda: wanted.is_fast and has_fast_bf16(device))
    round_products(device, allowed=is_fast)
    if wanted.is_fast and not is_fast:
        listener.warning(
            f"this {device.type} has no native bfloat16, so that --fast would be slower: sampling exactly."
        )
    # a run that goes on may have come to another checkpoint for another process
    processes.copy_from_first((trained.generator,))
    step = processes.from_first(lambda: card.step)
    origin = Origin(classes, card.recipe, step, card.is_phantom, digest_of(trained.generator))
    batch = batch_for(card.resolution)
    sampler = Sampler(trained.generator, wanted.seed, wanted.truncation, fast=is_fast, batch=batch)
    labels = np.repeat(list(counts), list(counts.values()))
    table = write_samples(
        sampler, labels, origin, out, listener, first=wanted.first, layout=wanted.layout, processes=processes
    )
    return Drawn(table, {(classes[label], label): number for label, number in counts.items()}, card)
