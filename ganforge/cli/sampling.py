"""The verb that draws images from a trained generator: sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ganforge.cli.options import Device, Run, Settings, Threads, choose_device
from ganforge.errors import UsageError, did_you_mean

Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label", "--grade", metavar="CLASS", help="Name of a class, or its number; may be repeated. Default: all."
    ),
]
Count = Annotated[int, typer.Option("--count", min=1, max=1_000_000, metavar="N", help="Images of each class.")]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed gives the same images.")]
Truncation = Annotated[
    float, typer.Option("--truncation", metavar="0..1", help="Below 1: more typical and less diverse images.")
]
Fast = Annotated[bool, typer.Option("--fast", help="Compute in bfloat16: quicker, and images differ by rounding.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the images and samples.csv.")]


def sample(
    settings: Settings,
    run: Run,
    out: Out,
    label: Labels = None,
    count: Count = 16,
    seed: Seed = 0,
    truncation: Truncation = 1.0,
    fast: Fast = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Draw images of the wanted classes from a run."""
    if not 0 <= truncation <= 1:
        raise UsageError(f"--truncation must be from 0 to 1, but is {truncation:g}.")

    import numpy as np

    from ganforge.cli.display import choose_display
    from ganforge.cli.narrator import PHANTOM, Narrator
    from ganforge.cli.output import Output, counted
    from ganforge.execute import load_generator
    from ganforge.hardware import has_fast_bf16, round_products
    from ganforge.sampling import Sampler, write_samples

    place = choose_device(device, threads)
    output = Output()
    with Narrator(choose_display(output), settings) as narrator:
        generator, plan = load_generator(run, settings.components(), place, narrator)
    classes: Sequence[str] = plan.classes
    if not generator.is_conditional:
        if label:
            raise UsageError(f"{run} was trained without labels, so that no class can be asked for. Omit --label.")
        classes = ("unconditional",)
    chosen = find_labels(label or (), classes)
    labels = np.repeat(chosen, count)
    with Narrator(choose_display(output), settings) as narrator:
        is_fast = fast and has_fast_bf16(place)
        round_products(place, allowed=is_fast)
        if fast and not is_fast:
            narrator.warning(
                f"this {place.type} has no native bfloat16, so that --fast would be slower: sampling exactly."
            )
        table = write_samples(
            Sampler(generator, seed, truncation, fast=is_fast),
            labels,
            classes,
            out,
            narrator,
            is_phantom=plan.recipe.data.is_phantom,
        )
    names = ", ".join(f"{classes[number]} (label {number})" for number in chosen)
    output.paragraph(f"{counted(len(labels), 'image')}, {count:,} for each of: {names}")
    if plan.recipe.data.is_phantom:
        output.line(PHANTOM, "bold yellow")
    output.line(f"table: {table}")


def find_labels(wanted: Sequence[str], classes: Sequence[str]) -> list[int]:
    """Label numbers of the classes that are wanted, each once, in the order given; all if none is.

    A word is the name of a class, or the number of a label where no class has that name. Raises UsageError with
    every word that is neither.
    """
    found: dict[int, None] = {}
    unknown = []
    for word in wanted:
        if word in classes:
            found[list(classes).index(word)] = None
        elif word.isdecimal() and int(word) < len(classes):
            found[int(word)] = None
        else:
            unknown.append(f"no class is called '{word}'.{did_you_mean(word, classes)}")
    if unknown:
        known = ", ".join(f"{name} (label {number})" for number, name in enumerate(classes))
        raise UsageError("\n".join([*unknown, f"Classes: {known}."]))
    return list(found) if wanted else list(range(len(classes)))
