"""Tensors in safetensors files, which hold no code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.files import expect_file


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, each under its own name, and force them to the disk. Raises OSError."""
    # tensors of a state dict may share storage, which safetensors refuses
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # not by safetensors' own writer, whose errors lose the number that tells a full disk from a torn cable
    with path.open("wb") as file:
        file.write(safetensors.torch.save(own))
        file.flush()
        os.fsync(file.fileno())


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file. Raises CheckpointError if it is none."""
    expect_file(path, f"there is no weights file {path}.", CheckpointError)
    try:
        return safetensors.torch.load_file(path)
    # TypeError, ValueError, RuntimeError: sizes and formats that the header may name and torch has not
    except (SafetensorError, OSError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} is no readable safetensors file: {error}") from error
