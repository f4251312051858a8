"""The verb that draws images from a trained generator: sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ganforge.cli.launching import Gpus, launched, option, taking_part
from ganforge.cli.options import Device, Settings, Threads, Trained, choose_device
from ganforge.errors import UsageError
from ganforge.phantoms import PHANTOM
from ganforge.samples import MAX_COUNT

if TYPE_CHECKING:
    from ganforge.samples.draw import Drawn
    from ganforge.telling.output import Output

GOES_ON = "the same command goes on"

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
    gpus: Gpus = None,
) -> None:
    """Draw images of the wanted classes. The same command again goes on where it was stopped."""
    if not 0 <= truncation <= 1:
        raise UsageError(f"--truncation must be from 0 to 1, but is {truncation:g}.")
    from ganforge.classes import classes_at
    from ganforge.outputs import expect_free_folder
    from ganforge.samples import TABLE, UNFINISHED
    from ganforge.samples.wanted import wanted_counts

    # what the records tell is told before a generator is loaded
    if label and (known := classes_at(run)):
        wanted_counts(label, count, known)
    expect_free_folder(out, TABLE, UNFINISHED)
    words = ["sample", str(run), "--out", str(out), *(word for text in label or () for word in ("--label", text))]
    words += ["--count", str(count), "--seed", str(seed), "--first", str(first), "--truncation", str(truncation)]
    words += ["--layout", layout, *(["--fast"] if fast else []), *option("--threads", threads)]
    device = launched(settings, words, gpus, device, advice=f"What was written is whole; {GOES_ON}.")
    from ganforge.telling.output import Output

    output = Output()
    with taking_part(settings, device, threads, output=output, stopped=f"; {GOES_ON}") as (processes, listener):
        from ganforge.samples.draw import WantedSamples, draw

        wanted = WantedSamples(tuple(label or ()), count, seed, first, truncation, layout, fast)
        components = settings.components(warn=processes.is_first)
        drawn = draw(run, wanted, out, components, listener, choose_device(device, threads), processes)
    if processes.is_first:
        _show(drawn, output)


def _show(drawn: Drawn, output: Output) -> None:
    from ganforge.errors import one_line
    from ganforge.telling.output import counted

    numbers = drawn.counts.values()
    names = [f"{name} (label {label})" for name, label in drawn.counts]
    if len(set(numbers)) == 1:
        each = f"{next(iter(numbers)):,} for each of: {', '.join(names)}"
    else:
        each = ", ".join(f"{number:,} of {name}" for name, number in zip(names, numbers, strict=True))
    output.paragraph(f"{counted(sum(numbers), 'image')}, {one_line(each)}")
    if drawn.card.is_phantom:
        output.line(PHANTOM, "bold yellow")
    output.line(f"table: {drawn.table}")
