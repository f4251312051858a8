"""Writes a trained generator for use elsewhere: weights with a config, graphs for other runtimes, a model card."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args
from uuid import uuid4

from ganforge.card import Card
from ganforge.errors import UsageError, did_you_mean
from ganforge.exports import Format
from ganforge.exports.config import CONFIG, MANIFEST, WEIGHTS, ExportConfig, GraphInputs, config_of
from ganforge.exports.model_card import model_card
from ganforge.files import sha256_of, sync_folder, write_json, write_text
from ganforge.listener import Listener
from ganforge.outputs import expect_free_folder
from ganforge.registry import Components
from ganforge.tensors import save_tensors
from ganforge.trained import Trained
from ganforge.versions import package_version

README = "README.md"


def export(
    trained: Trained, out: Path, formats: Sequence[Format], components: Components, listener: Listener, licence: str
) -> ExportConfig:
    """Write the folder `out`: `config.json`, `README.md`, `manifest.json` and the files of the formats.

    safetensors: `model.safetensors`, which `ganforge.load(out)` reads; onnx: `model.onnx`; torch_export: `model.pt2`.
    Graphs are compared with the network before anything is kept. The folder appears when it is whole. Raises UsageError
    where it can't be written, ExportError for a generator that is no graph or computes something else as one.
    """
    check_request(out, formats, licence)
    formats = tuple(dict.fromkeys(formats))
    aside = out.parent / f".{out.name}.{uuid4().hex}"
    try:
        aside.mkdir(parents=True)
        config = _write(trained, aside, formats, components, listener, licence)
        sync_folder(aside)
        aside.rename(out)
        sync_folder(out.parent)
    except OSError as error:
        raise UsageError(f"can't write {out}: {error.strerror or error}. Choose another with --out.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return config


def check_request(out: Path, formats: Sequence[str], licence: str) -> None:
    """Raise UsageError with every unknown format, for a licence that is no identifier, or where `out` can't be made."""
    known = get_args(Format)
    unknown = [f"there is no format '{name}'.{did_you_mean(name, known)}" for name in formats if name not in known]
    if unknown or not formats:
        raise UsageError("\n".join([*unknown, f"Formats: {', '.join(known)}."]))
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", licence):
        raise UsageError(f"the licence must be an identifier such as cc-by-4.0 or other, but is '{licence}'.")
    expect_free_folder(out)
    if "onnx" in formats:
        from ganforge.exports.onnx_model import expect_onnx

        expect_onnx()


def _write(
    trained: Trained, folder: Path, formats: Sequence[Format], components: Components, listener: Listener, licence: str
) -> ExportConfig:
    config = config_of(trained.plan, trained.card, components, package_version("ganforge"))
    graphs = [each for each in ("torch_export", "onnx") if each in formats]
    if graphs:
        config = config.model_copy(update={"graph": _write_graphs(trained, folder, graphs, listener)})
    if "safetensors" in formats:
        save_tensors(folder / WEIGHTS, trained.generator.state_dict())
    write_json(folder / CONFIG, config.model_dump(mode="json"))
    # the card is for its owner to edit, so that the manifest leaves it out
    write_json(folder / MANIFEST, {path.name: sha256_of(path) for path in sorted(folder.iterdir())})
    write_text(folder / README, model_card(config, formats, licence))
    return config


def _write_graphs(trained: Trained, folder: Path, formats: Sequence[str], listener: Listener) -> GraphInputs:
    from ganforge.exports.graph import Agreement, Graph, trace

    generator = trained.generator.float()
    graph = Graph(generator, len(trained.card.classes)).eval()
    program = trace(graph)
    note = graph_note(trained.card)
    found: dict[str, Agreement] = {}
    for name in listener.progress(formats, len(formats), "writing and comparing"):
        if name == "onnx":
            from ganforge.exports.onnx_model import write_onnx

            found |= write_onnx(program, generator, graph, folder, note)
        else:
            from ganforge.exports.torch_program import write_program

            found |= write_program(program, generator, graph, folder, note)
    return GraphInputs(noise_sides=graph.noise_sides, differences={**found})


def graph_note(card: Card) -> dict[str, Any]:
    """What a graph says of itself, since it may travel without its folder."""
    note = {"producer": "ganforge", "name": card.name, "recipe": card.recipe, "step": card.step}
    note["classes"] = "; ".join(card.classes) if card.is_conditional else ""
    if card.is_phantom:
        note["warning"] = "PHANTOM: learnt from images drawn by a program; says nothing about patients"
    return note
