"""The verb that writes a trained generator for use elsewhere: export."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer

from ganforge.cli.options import Settings, Threads, Trained, choose_device
from ganforge.errors import UsageError, did_you_mean
from ganforge.export import Format

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="FORMATS",
        help="safetensors (which ganforge.load reads), onnx, torch_export; may be repeated. Default: safetensors.",
    ),
]
Licence = Annotated[
    str,
    typer.Option(
        "--licence",
        metavar="ID",
        help="Of the weights, as the Hugging Face hub writes it, such as cc-by-4.0. Default: other, the terms of data "
        "and source.",
    ),
]


def export(
    settings: Settings,
    run: Trained,
    out: Out,
    format: Formats = None,
    licence: Licence = "other",
    threads: Threads = None,
) -> None:
    """Write a generator as a folder with a model card, for ganforge, ONNX or torch. Nothing is uploaded."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", licence):
        raise UsageError(f"--licence must be an identifier such as cc-by-4.0 or other, but is '{licence}'.")

    formats = read_formats(format or ("safetensors",))

    from ganforge.cli.display import choose_display
    from ganforge.cli.narrator import PHANTOM, Narrator
    from ganforge.cli.output import Output
    from ganforge.export.write import export as write
    from ganforge.trained import open_trained

    place = choose_device("cpu", threads)
    output = Output()
    components = settings.components()
    with Narrator(choose_display(output), settings) as narrator:
        trained = open_trained(run, components, place, narrator)
        config = write(trained, out, formats, components, narrator, licence)
    for name, (difference, allowed) in (config.graph.differences if config.graph else {}).items():
        output.line(f"{name}: at most {difference:.1e} from the network, of {allowed:.1e} allowed")
    if config.card.not_measured:
        output.paragraph(f"the card says that there are no scores: {config.card.not_measured}")
    if config.card.is_phantom:
        output.line(PHANTOM, "bold yellow")
    output.line(f"folder: {out}")
    output.paragraph("Read its README.md before you share it, and look for memorised patients first.")


def read_formats(words: Sequence[str]) -> tuple[Format, ...]:
    """The formats in `safetensors,onnx` and the like, each once. Raises UsageError with every unknown one."""
    known: tuple[Format, ...] = get_args(Format)
    wanted = [name.strip() for word in words for name in word.split(",") if name.strip()]
    unknown = [f"--format knows no '{name}'.{did_you_mean(name, known)}" for name in wanted if name not in known]
    if unknown or not wanted:
        raise UsageError("\n".join([*unknown, f"Formats: {', '.join(known)}."]))
    return tuple(name for name in known if name in wanted)
