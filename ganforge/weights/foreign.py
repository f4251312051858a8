"""Checkpoints in torch's own format, which may hold code: read as plain data, or refused."""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.files import expect_file

#: Bytes of the pickle, which holds names and shapes; unpickling takes many times as much memory.
MAX_PICKLE = 64 << 20
#: Operations of a pickle; a state dict needs some dozens for each tensor.
MAX_OPERATIONS = 10_000_000
#: Pickles in front of the numbers in torch's older format.
LEGACY_PICKLES = 5
#: What torch's reader lets a pickle call with a number of bytes; tensors are rebuilt from storages by other names.
HUNGRY = re.compile(r"(__builtin__|builtins) bytearray|torch(\.\w+)* \w*Tensor")
#: Formats of numbers that a state dict may hold; integers count batches.
PLAIN = (
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
)


def read_torch_file(path: Path) -> dict[str, Any]:
    """The dictionary in a `.pt` or `.pth` file, on the CPU. Nothing in the file is executed.

    Raises CheckpointError for a file that is missing, damaged, no checkpoint, or would need code to load.
    """
    expect_file(path, f"there is no checkpoint {path}.", CheckpointError)
    if flaw := _archive_flaw(path) or _pickle_flaw(path):
        raise CheckpointError(f"{path} is damaged or no checkpoint{flaw}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of pickles that are not torch's, which are refused anyway
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "global" in str(error).lower() or _is_pickle(path):
            raise CheckpointError(
                f"{path} holds more than tensors and numbers; loading it could run code, so it is refused. "
                "Convert it to safetensors where it was made."
            ) from error
        raise CheckpointError(f"{path} is damaged or no checkpoint.") from error
    except Exception as error:  # on damaged bytes torch's unpickler raises whatever its operations happen to raise
        raise CheckpointError(f"{path} is damaged or no checkpoint.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a dictionary of state dicts.")
    return content


def _archive_flaw(path: Path) -> str | None:
    """What the directory of a zip archive says that no file of torch.save has, as the end of a sentence.

    Compressed or overlapping records may be a thousand times as large as the file, and fill the memory.
    """
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":  # as torch tells archives from its older format
            return None
    try:
        with zipfile.ZipFile(path) as archive:
            records = archive.infolist()
    except Exception:  # damaged directories make zipfile raise more than BadZipFile
        return ""
    for record in records:
        if record.compress_type != zipfile.ZIP_STORED:
            return f": its record {record.filename!r} is compressed"
        if record.filename.endswith(".pkl") and record.file_size > MAX_PICKLE:
            return f": its record {record.filename!r} has {record.file_size:,} bytes, more than {MAX_PICKLE:,}"
    if sum(record.file_size for record in records) > path.stat().st_size:
        return ": its records are larger than the file"
    return None


def _pickle_flaw(path: Path) -> str | None:
    """What a pickle asks for that no state dict needs, as the end of a sentence; None also for damaged ones.

    torch's own reader runs no code, but it makes whatever number of zeros is named: 35 bytes could fill the memory.
    """
    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\x03\x04"
    try:
        if not is_archive:
            with path.open("rb") as file:
                for _ in range(LEGACY_PICKLES):
                    if flaw := _operations_flaw(file):
                        return flaw
            return None
        with zipfile.ZipFile(path) as archive:
            for name in (name for name in archive.namelist() if name.endswith(".pkl")):
                if flaw := _operations_flaw(io.BytesIO(archive.read(name))):
                    return flaw
    except Exception:  # whatever damage does to a parser; torch's reader then says that it is damaged
        return None
    return None


def _operations_flaw(file: IO[bytes]) -> str | None:
    for number, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if number > MAX_OPERATIONS:
            return f": it has more than {MAX_OPERATIONS:,} operations"
        if operation.name == "GLOBAL" and HUNGRY.fullmatch(str(argument)):
            return f": it makes a {str(argument).split()[-1]}, which no state dict holds"
    return None


def _is_pickle(path: Path) -> bool:
    """Whether the file is a bare pickle, which torch has not written since 1.6."""
    with path.open("rb") as file:
        return file.read(1) == pickle.PROTO


def state_dict(content: Any, path: Path, what: str) -> dict[str, Tensor]:
    """`content` as a state dict, without the `module.` that nn.DataParallel puts in front of each name.

    Each tensor is plain: dense, on the CPU, of floats or integers, and no larger than its storage. Raises
    CheckpointError that names those that are not, and names that can't be kept.
    """
    if content is None:
        raise CheckpointError(f"{path} has no '{what}'. If another kind of source reads it, name that.")
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(f"{path}: '{what}' is no state dict (a dictionary of tensors).")
    weights: dict[str, Tensor] = {}
    for key, value in content.items():
        name = str(key).removeprefix("module.")
        if flaw := _name_flaw(name, weights) or _flaw(value):
            raise CheckpointError(f"{path}: '{what}' has a tensor {str(key)!r} that can't be used: {flaw}.")
        weights[name] = value
    return weights


def _name_flaw(name: str, others: Mapping[str, Tensor]) -> str:
    if name in others:
        return f"another one is named '{name}' as well"
    if name == "__metadata__":
        return "safetensors keeps remarks under that name"
    return "" if name.isprintable() else "its name holds characters that can't be printed"


def _flaw(tensor: Tensor) -> str:
    """What keeps a tensor from being plain numbers; empty for one that is."""
    if tensor.is_nested or tensor.is_quantized or tensor.layout != torch.strided:
        form = "nested" if tensor.is_nested else "quantised" if tensor.is_quantized else "sparse"
        return f"it is {form}"
    if tensor.device.type != "cpu":
        return f"it has no values (device {tensor.device})"
    if tensor.dtype not in PLAIN:
        return f"its numbers are {str(tensor.dtype).removeprefix('torch.')}"
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        return "it is larger than what is stored of it"
    return ""
