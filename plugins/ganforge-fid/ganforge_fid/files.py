"""Weights from a file: read once, hashed, and never unpickled beyond tensors."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


def read_weights(path: Path | str) -> tuple[bytes, str]:
    """Content and sha256 of the file. Raises CheckpointError where it can't be read."""
    try:
        content = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}.") from error
    return content, hashlib.sha256(content).hexdigest()


def read_state_dict(content: bytes) -> dict[str, Tensor]:
    """The tensors of a `.pth` file."""
    import torch

    tensors: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return tensors
