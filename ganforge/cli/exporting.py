"""The verb that writes a trained generator for use elsewhere: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ganforge.cli.options import Settings, Threads, Trained, choose_device
from ganforge.phantoms import PHANTOM

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
        help="Of the weights, as the Hugging Face hub writes it, such as cc-by-4.0; other: the terms of data and "
        "source.",
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
    """Write a generator: safetensors, ONNX, torch.export, a card."""
    formats: Any = [name.strip() for word in format or ["safetensors"] for name in word.split(",")]

    from ganforge.exports.write import check_request
    from ganforge.exports.write import export as write
    from ganforge.opening import open_trained
    from ganforge.telling.display import choose_display
    from ganforge.telling.narrator import Narrator
    from ganforge.telling.output import Output

    check_request(out, formats, licence)
    place = choose_device("cpu", threads)
    output = Output()
    components = settings.components()
    with Narrator(choose_display(output), settings.command) as narrator:
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
