"""The format `torch_export`: a program that torch loads without ganforge."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganforge.exports.graph import Agreement, Graph, compare
from ganforge.files import write_bytes
from ganforge.networks.staged import Generator

FILE = "model.pt2"


def write_program(
    program: torch.export.ExportedProgram, generator: Generator, graph: Graph, folder: Path, note: Mapping[str, Any]
) -> dict[str, Agreement]:
    """Write `model.pt2`, read it back and compare. Name -> agreement. Raises ExportError."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={"ganforge.json": json.dumps(dict(note))})
    write_bytes(folder / FILE, buffer.getvalue())
    loaded = torch.export.load(str(folder / FILE)).module()

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        with torch.inference_mode():
            images: Tensor = loaded(**inputs)
        return images

    return {"torch_export": compare("torch.export", generator, graph, run)}
