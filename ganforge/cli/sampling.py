"""The verb that draws images from a trained generator: sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from ganforge.cli.options import Device, Settings, Threads, Trained, choose_device
from ganforge.errors import UsageError

MAX_COUNT = 1_000_000

Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        "--grade",
        metavar="CLASS[=N]",
        help="Name of a class, or its number, and how many images of it; may be repeated. Default: all classes.",
    ),
]
Count = Annotated[
    int, typer.Option("--count", min=1, max=MAX_COUNT, metavar="N", help="Images of each class without a number.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed gives the same images.")]
First = Annotated[
    int, typer.Option("--first", min=0, metavar="N", help="Number of the first latent, to go on behind other samples.")
]
Truncation = Annotated[
    float, typer.Option("--truncation", metavar="0..1", help="Below 1: more typical and less diverse images.")
]
Fast = Annotated[bool, typer.Option("--fast", help="Compute in bfloat16: quicker, and images differ by rounding.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the images and samples.csv.")]
LayoutOption = Annotated[
    Literal["flat", "folders"],
    typer.Option("--layout", help="flat: LABEL_NUMBER.png; folders: CLASS/NUMBER.png, for torchvision's ImageFolder."),
]


def sample(
    settings: Settings,
    run: Trained,
    out: Out,
    label: Labels = None,
    count: Count = 16,
    seed: Seed = 0,
    first: First = 0,
    truncation: Truncation = 1.0,
    layout: LayoutOption = "flat",
    fast: Fast = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Draw images of the wanted classes. The same command again goes on where it was stopped."""
    if not 0 <= truncation <= 1:
        raise UsageError(f"--truncation must be from 0 to 1, but is {truncation:g}.")

    from ganforge.classes import classes_at
    from ganforge.outputs import expect_free_folder

    # what the records tell is told before a generator is loaded
    if label and (known := classes_at(run)):
        wanted_counts(label, count, known)
    expect_free_folder(out, "samples.csv", "samples.csv.partial")

    import numpy as np

    from ganforge.cli.display import choose_display
    from ganforge.cli.narrator import PHANTOM, Narrator
    from ganforge.cli.output import Output, counted
    from ganforge.hardware import has_fast_bf16, round_products
    from ganforge.samples import Origin, write_samples
    from ganforge.sampling import Sampler, batch_for
    from ganforge.trained import open_trained

    place = choose_device(device, threads)
    output = Output()
    with Narrator(choose_display(output), settings) as narrator:
        trained = open_trained(run, settings.components(), place, narrator)
    card = trained.card
    classes: Sequence[str] = card.classes
    if not card.is_conditional:
        if label:
            raise UsageError(f"{run} was trained without labels, so that no class can be asked for. Omit --label.")
        classes = ("unconditional",)
    counts = wanted_counts(label or (), count, classes)
    labels = np.repeat(list(counts), list(counts.values()))
    with Narrator(choose_display(output), settings) as narrator:
        is_fast = fast and has_fast_bf16(place)
        round_products(place, allowed=is_fast)
        if fast and not is_fast:
            narrator.warning(
                f"this {place.type} has no native bfloat16, so that --fast would be slower: sampling exactly."
            )
        sampler = Sampler(trained.generator, seed, truncation, fast=is_fast, batch=batch_for(card.resolution))
        origin = Origin(classes, card.recipe, card.step, card.is_phantom)
        table = write_samples(sampler, labels, origin, out, narrator, first=first, layout=layout)
    names = [f"{classes[number]} (label {number})" for number in counts]
    if len(set(counts.values())) == 1:
        each = f"{next(iter(counts.values())):,} for each of: {', '.join(names)}"
    else:
        each = ", ".join(f"{number:,} of {name}" for name, number in zip(names, counts.values(), strict=True))
    output.paragraph(f"{counted(len(labels), 'image')}, {each}")
    if card.is_phantom:
        output.line(PHANTOM, "bold yellow")
    output.line(f"table: {table}")


def wanted_counts(words: Sequence[str], count: int, classes: Sequence[str]) -> dict[int, int]:
    """Number of images by label, in the order given; `count` of all classes if no word is.

    A word is a class, by name or number, or `CLASS=N`. Raises UsageError with every word that is neither, and for a
    class that is given two numbers.
    """
    from ganforge.classes import find_labels

    if not words:
        return dict.fromkeys(range(len(classes)), count)
    split = [_class_and_count(word, count, classes) for word in words]
    found = find_labels([name for name, _ in split], classes)
    counts: dict[int, int] = {}
    for label, (_, number) in zip(found, split, strict=True):
        if counts.setdefault(label, number) != number:
            raise UsageError(f"--label gives two numbers of images for '{classes[label]}': {counts[label]}, {number}.")
    return counts


def _class_and_count(word: str, count: int, classes: Sequence[str]) -> tuple[str, int]:
    name, equals, number = word.rpartition("=")
    if word in classes or not equals:
        return word, count
    if not (number.isascii() and number.isdecimal() and 1 <= int(number[:9]) <= MAX_COUNT):
        raise UsageError(f"--label '{word}' must be CLASS or CLASS=N, with N from 1 to {MAX_COUNT:,}.")
    return name, int(number)
