"""Files of tensors are read as such or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.errors import CheckpointError
from ganforge.tensors import load_tensors


def test_a_file_that_is_no_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    with pytest.raises(CheckpointError, match=f"^there is no weights file {path}\\.$"):
        load_tensors(path)
    path.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(CheckpointError, match=f"^{path} is no readable safetensors file: "):
        load_tensors(path)
