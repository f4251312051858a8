"""A server on this machine that shows a folder (`site`), and a small checkpoint to put there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganforge.files import sha256_of
from ganforge.testing.site import site
from ganforge_flowers.layouts import LAYOUTS

__all__ = ["site"]


@pytest.fixture(scope="session")
def publish() -> Callable[[Path], str]:
    """Writes a checkpoint, and returns its sha256."""
    return _publish


def _publish(path: Path) -> str:
    shared = torch.arange(6.0).reshape(2, 3)
    blocks = {f"module.{block}.conv_0.bias": torch.zeros(1) for block in sorted(LAYOUTS[0].blocks[0])}
    generator = {"module.fc.weight": shared, "module.fc.bias": shared[:, 0], **blocks}
    discriminator = {"module.fc.bias": torch.ones(2), **blocks}
    torch.save({"generator": generator, "discriminator": discriminator, "it": 7}, path)
    return sha256_of(path)
