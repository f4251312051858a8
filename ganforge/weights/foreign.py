"""Checkpoints in torch's own format, which may hold code: read as plain data, or refused."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganforge.errors import CheckpointError


def read_torch_file(path: Path) -> dict[str, Any]:
    """The dictionary in a `.pt` or `.pth` file, on the CPU. Nothing in the file is executed.

    Raises CheckpointError for a file that is missing, damaged, no checkpoint, or would need code to load.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "global" in str(error).lower() or _is_pickle(path):
            raise CheckpointError(
                f"{path} holds more than tensors and numbers; loading it could run code, so it is refused. "
                "Convert it to safetensors where it was made."
            ) from error
        raise CheckpointError(f"{path} is damaged or no checkpoint.") from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a dictionary of state dicts.")
    return content


def _is_pickle(path: Path) -> bool:
    """Whether the file is a bare pickle, which torch has not written since 1.6."""
    with path.open("rb") as file:
        return file.read(1) == pickle.PROTO


def state_dict(content: Any, path: Path, what: str) -> dict[str, Tensor]:
    """`content` as a state dict, without the `module.` that nn.DataParallel puts in front of each name."""
    if content is None:
        raise CheckpointError(f"{path} has no '{what}'. If another kind of source reads it, name that.")
    if not isinstance(content, Mapping) or not all(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(f"{path}: '{what}' is no state dict (a dictionary of tensors).")
    return {str(key).removeprefix("module."): value for key, value in content.items()}
