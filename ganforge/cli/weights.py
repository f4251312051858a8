"""Verbs about pretrained weights: weights ls, fetch, verify, convert, card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.cli.examples import example
from ganforge.cli.helping import Verb
from ganforge.cli.options import AsJson, Settings, verb

if TYPE_CHECKING:
    from ganforge.telling.narrator import Narrator

What = Annotated[
    str, typer.Argument(metavar="KIND|URL", help="Kind of source, as `weights ls` names it, or an address.")
]
CardOf = Annotated[str, typer.Argument(metavar="KIND|FOLDER", help="Kind of source, or a folder with card.json.")]
Digest = Annotated[
    str | None, typer.Option("--sha256", metavar="DIGITS", help="Of the file at an address; 8 digits at least.")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="Published checkpoint, such as a .pt file.")]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="New folder for safetensors and card.json.")]
As = Annotated[str, typer.Option("--as", metavar="KIND", help="Kind of source that reads the file.")]
Licence = Annotated[
    str | None, typer.Option("--licence", metavar="TEXT", help="Of the weights, for the card. Default: as published.")
]


def ls(settings: Settings, as_json: AsJson = False) -> None:
    """List pretrained sources, and which are in the cache."""
    from dataclasses import asdict

    from ganforge.cache import cache_folder
    from ganforge.telling.output import Output
    from ganforge.weights.catalogue import known_sources

    sources = known_sources(settings.components(), cache_folder())
    if as_json:
        Output().raw(json.dumps([asdict(source) for source in sources], indent=2) + "\n")
        return
    rows = [(source.kind, source.state, source.detail) for source in sources]
    Output().table(("source", "state", "from"), rows)


def fetch(settings: Settings, what: What, sha256: Digest = None) -> None:
    """Fetch published weights into the cache, and verify them."""
    from ganforge.cache import cache_folder
    from ganforge.telling.output import Output
    from ganforge.weights import catalogue
    from ganforge.weights.pretrained import StoreContext

    with _narrator(settings) as narrator:
        context = StoreContext(cache_folder(), narrator.progress)
        place = catalogue.fetch(what, sha256, settings.components(), context)
    Output().line(f"verified: {place}")


def verify(settings: Settings) -> None:
    """Hash all weights in the cache again; exit 5 if any is damaged."""
    from ganforge.cache import cache_folder
    from ganforge.errors import CheckpointError
    from ganforge.telling.output import Output, counted
    from ganforge.weights import catalogue

    found = catalogue.verify(cache_folder())
    output = Output()
    for place, _ in found:
        output.line(str(place))
    damaged = [f"{place} is damaged: {reason}" for place, reason in found if reason]
    if damaged:
        raise CheckpointError("\n".join([*damaged, "What is damaged is not used; remove it, or fetch it again."]))
    output.line(f"{counted(len(found), 'item')} verified" if found else f"no weights are cached in {cache_folder()}")


def convert(
    settings: Settings, file: File, out: Out, source: As = "gp_gan_checkpoint", licence: Licence = None
) -> None:
    """Turn a published checkpoint into a weights folder."""
    from ganforge.cache import cache_folder
    from ganforge.telling.output import Output
    from ganforge.weights import catalogue
    from ganforge.weights.pretrained import StoreContext

    provenance = catalogue.convert(file, out, source, settings.components(), StoreContext(cache_folder()), licence)
    output = Output()
    output.line(f"wrote {out}: {provenance.name}")
    output.line(f"use it with source='{{kind: weights_folder, path: {out}}}'")


def card(settings: Settings, what: CardOf) -> None:
    """Print where weights come from, and under which licence."""
    from ganforge.cache import cache_folder
    from ganforge.telling.output import Output
    from ganforge.weights import catalogue

    found = catalogue.card(what, settings.components(), cache_folder())
    Output().raw(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


def _narrator(settings: Settings) -> Narrator:
    from ganforge.telling.display import choose_display
    from ganforge.telling.narrator import Narrator
    from ganforge.telling.output import Output

    return Narrator(choose_display(Output()), settings.command)


app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Published weights: ls, fetch, verify, convert, card."
)
for function in (ls, fetch, verify, convert, card):
    app.command(cls=Verb, epilog=example(f"weights {function.__name__}"))(verb(function))
