"""Weights from a file: hashed, never unpickled beyond tensors, and loaded whole or not at all."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Names that an error lists.
SHOWN = 3
#: A larger file is none of the published ones, the largest of which is DINOv2 ViT-L/14 with 1.2 GB.
MAX_BYTES = 2_000_000_000


def read_weights(path: Path | str) -> tuple[bytes, str]:
    """Content and sha256 of the file. Raises CheckpointError where it can't be read."""
    file = _file(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}.") from error
    return content, hashlib.sha256(content).hexdigest()


def _file(path: Path | str) -> Path:
    """The file, with its `~` replaced. Raises CheckpointError for what is none, or is too large to be one of weights.

    A file of weights is read as a whole: a pipe would keep the reader waiting, a huge file would fill the memory.
    """
    try:
        file = Path(path).expanduser()
        status = file.stat()
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no file {path}.") from error
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}.") from error
    except (RuntimeError, ValueError) as error:  # a home folder of nobody, a name with a zero byte
        raise CheckpointError(f"{path} can't be read: {str(error).rstrip('.')}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError(f"{path} is no file.")
    if status.st_size > MAX_BYTES:
        raise CheckpointError(f"{path} has {status.st_size:,} bytes; files of weights have up to {MAX_BYTES:,}.")
    return file


def read_state_dict(path: Path | str, advice: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of a `.pth` file by name, and its sha256. advice: where to get the file, for one that is missing.

    Raises CheckpointError for a file that is missing, damaged, no state dict, or would need code to load.
    """
    from ganforge.files import sha256_of
    from ganforge.weights.foreign import read_torch_file, state_dict

    try:
        file = _file(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error} {advice}") from error
    tensors = state_dict(read_torch_file(file), file, "the file")
    odd = [name for name, tensor in tensors.items() if not _is_plain(tensor)]
    if odd:
        raise CheckpointError(f"{path} holds tensors that are no plain finite numbers: {_names(odd)}.")
    return tensors, sha256_of(file)


def _is_plain(tensor: Tensor) -> bool:
    """Neither sparse, quantised, complex, boolean nor without values, and finite. Counts and tables are int64."""
    import torch

    floating = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    if tensor.layout != torch.strided or tensor.is_nested or tensor.device.type != "cpu":
        return False
    return tensor.dtype in (*floating, torch.int64) and bool(torch.isfinite(tensor).all())


def load_whole(network: nn.Module, tensors: dict[str, Tensor], path: Path, what: str) -> None:
    """Put the tensors into the network. Raises CheckpointError unless each has its place there, and none is missing."""
    wanted = network.state_dict()
    other = [
        f"{name} is {_shape(tensors[name])} and not {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    other += [
        f"{name} is {_kind(tensors[name])} and not {_kind(tensor)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].is_floating_point() != tensor.is_floating_point()
    ]
    if not other:
        # not strict: torch forgives files from before batch norm counted its batches, and tells the rest by name
        missing, unknown = network.load_state_dict(tensors, strict=False)
        other = [f"it lacks {_names(missing)}"] if missing else []
        other += [f"it has {_names(unknown)} too much"] if unknown else []
    if other:
        raise CheckpointError(f"{path} does not hold the weights of {what}: {'; '.join(_first(other))}.")


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(size) for size in tensor.shape)


def _kind(tensor: Tensor) -> str:
    return "floating-point" if tensor.is_floating_point() else "integer"


def _names(names: list[str]) -> str:
    return ", ".join(_first(names))


def _first(words: list[str]) -> list[str]:
    """As they are where they are few; else the first, the last of which says how many follow."""
    more = len(words) - SHOWN
    return words if more <= 0 else [*words[: SHOWN - 1], f"{words[SHOWN - 1]} and {more} more"]
