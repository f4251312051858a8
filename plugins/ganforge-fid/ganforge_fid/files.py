"""Weights from a file: hashed, never unpickled beyond tensors, and loaded whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Names that an error lists.
SHOWN = 3


def read_weights(path: Path | str) -> tuple[bytes, str]:
    """Content and sha256 of the file. Raises CheckpointError where it can't be read."""
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}.") from error
    return content, hashlib.sha256(content).hexdigest()


def read_state_dict(path: Path, advice: str) -> tuple[dict[str, Tensor], str]:
    """The tensors of a `.pth` file by name, and its sha256. advice: where to get the file, for one that is missing.

    Raises CheckpointError for a file that is missing, damaged, no state dict, or would need code to load.
    """
    from ganforge.files import sha256_of
    from ganforge.weights.foreign import read_torch_file, state_dict

    path = path.expanduser()
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}. {advice}")
    tensors = state_dict(read_torch_file(path), path, "the file")
    return tensors, sha256_of(path)


def load_whole(network: nn.Module, tensors: dict[str, Tensor], path: Path, what: str) -> None:
    """Put the tensors into the network. Raises CheckpointError unless each has its place there, and none is missing."""
    wanted = network.state_dict()
    other = [
        f"{name} is {_shape(tensors[name])} and not {_shape(tensor)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
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


def _names(names: list[str]) -> str:
    return ", ".join(_first(names))


def _first(words: list[str]) -> list[str]:
    """As they are where they are few; else the first, the last of which says how many follow."""
    more = len(words) - SHOWN
    return words if more <= 0 else [*words[: SHOWN - 1], f"{words[SHOWN - 1]} and {more} more"]
