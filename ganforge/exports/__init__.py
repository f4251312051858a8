"""A trained generator for use outside of a run."""

from __future__ import annotations

from typing import Literal

Format = Literal["safetensors", "onnx", "torch_export"]
