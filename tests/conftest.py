"""What tests share: pictures that are drawn on the spot, a recipe that trains in seconds, all components."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # on tiny tensors, threads only wait for each other
sys.path[:0] = [str(Path(__file__).parent / folder) for folder in ("support", "plugin_stub")]

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from tiny import TINY_RECIPE

from ganforge import plugins
from ganforge.registry import Components

# no test depends on how busy the machine is
settings.register_profile("ganforge", deadline=None)
settings.load_profile("ganforge")


@pytest.fixture(scope="session")
def components() -> Components:
    """All components of the core and of the installed plugins."""
    return plugins.load()


@pytest.fixture
def tiny_images(tmp_path: Path) -> Path:
    """A folder with the classes `large`, `medium` and `small`: 10 PNG discs of 16 x 16 pixels in each."""
    root = tmp_path / "discs"
    random = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16]
    for name, radius in (("large", 7.0), ("medium", 5.0), ("small", 3.0)):
        (root / name).mkdir(parents=True)
        for index in range(10):
            centre_x, centre_y = random.uniform(7, 8, size=2)
            inside = (x - centre_x) ** 2 + (y - centre_y) ** 2 < radius**2
            colour = random.integers(60, 255, size=3)
            picture = (inside[..., None] * colour).astype(np.uint8)
            Image.fromarray(picture).save(root / name / f"{index:02d}.png")
    return root


@pytest.fixture
def tiny_recipe(tmp_path: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A conditional recipe of 16 pixels and 2 x 2 steps over `tiny_images`; its runs and caches stay in tmp_path."""
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY_RECIPE.format(root=tiny_images, runs=tmp_path / "runs"), encoding="utf-8")
    return path
