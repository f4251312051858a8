"""The format `onnx`: a model for onnxruntime and whatever else reads ONNX."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganforge.errors import expect_packages
from ganforge.exports.graph import Agreement, ExportError, Graph, compare
from ganforge.files import write_bytes
from ganforge.networks.staged import Generator

FILE = "model.onnx"
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
#: Protocol buffers end at 2 GiB.
MAX_BYTES = 2**31 - 2**20


def expect_onnx() -> None:
    """Raise UsageError where a package is missing; the model is never written without having been run."""
    expect_packages("--format onnx", "ganforge[onnx]", *PACKAGES)


def write_onnx(
    program: torch.export.ExportedProgram, generator: Generator, graph: Graph, folder: Path, note: Mapping[str, Any]
) -> dict[str, Agreement]:
    """Write `model.onnx`, run it by onnxruntime and compare. Name -> agreement. Raises ExportError."""
    import onnx
    import onnxruntime

    model = _converted(program)
    for key, value in note.items():
        model.metadata_props.add(key=key, value=str(value))
    if model.ByteSize() > MAX_BYTES:
        raise ExportError(f"the generator has {model.ByteSize() / 2**30:.1f} GiB, and an ONNX file at most 2.")
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        (images,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return torch.from_numpy(images)

    agreement = compare("onnxruntime", generator, graph, run)
    write_bytes(folder / FILE, content)
    return {f"onnx by onnxruntime {onnxruntime.__version__}": agreement}


def _converted(program: torch.export.ExportedProgram) -> Any:
    """The model, without the paths that the converter notes. Raises ExportError that names the block."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's own converter about itself
            found = torch.onnx.export(program, dynamo=True, verbose=False)
    except Exception as error:
        block, operation = _culprit(str(error), program)
        raise ExportError(
            f"ONNX has nothing for what '{block}' computes ({operation}). Leave --format onnx out, or "
            "change that block."
        ) from error
    assert found is not None
    model = found.model_proto
    model.doc_string = model.graph.doc_string = ""
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    for part in (*model.graph.initializer, *model.functions, model.graph, model):
        del part.metadata_props[:]
    model.graph.output[0].name, old = "images", model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["images" if name == old else name for name in node.output]
    return model


def _culprit(message: str, program: torch.export.ExportedProgram) -> tuple[str, str]:
    """Block and operation that the converter's error is about."""
    found = re.search(r"OpOverload\(op='(\w+)\.(\w+)'|torch\.ops\.(\w+)\.(\w+)", message)
    if found is None:
        return "the generator", message.strip().splitlines()[0]
    space, operation = (word for word in found.groups() if word)
    # the converter takes operations apart first, and may name a part
    for graph in (program.graph, program.run_decompositions().graph):
        for node in graph.nodes:
            if node.op == "call_function" and operation in str(node.target):
                return _block_of(node), f"{space}.{operation}"
    return "the generator", f"{space}.{operation}"


def _block_of(node: torch.fx.Node) -> str:
    paths = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    keys = [path.split(".")[1] for path in paths if path.startswith("generator.")]
    return keys[0] if keys else "the generator"
