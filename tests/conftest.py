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

from ganforge import plugins
from ganforge.registry import Components

# no test depends on how busy the machine is
settings.register_profile("ganforge", deadline=None)
settings.load_profile("ganforge")

TINY_RECIPE = """\
name: tiny
description: Discs of three sizes.
seed: 1
resolution: 16
data:
  kind: image_folder
  root: {root}
generator:
  latent_dim: 8
  mapping: {{kind: mapping_mlp, depth: 2, width: 8}}
  initialisation: {{kind: variance_preserving}}
  label:
    - where: {{kind: latent}}
      how: {{kind: concatenate, dim: 4}}
  blocks:
    fc: {{kind: latent_to_grid, channels: 8}}
    head_0: {{kind: style, channels: 8, upsampling: bilinear}}
    up_0: {{kind: upsample}}
    resnet_0_0: {{kind: residual, channels: 8}}
    conv_img: {{kind: image_head}}
discriminator:
  initialisation: {{kind: variance_preserving}}
  label:
    - where: {{kind: after_frozen}}
      how: {{kind: concatenate_map}}
  blocks:
    conv_img: {{kind: image_stem, channels: 4}}
    pool_0: {{kind: average_pool}}
    resnet_0_0: {{kind: residual, channels: 8}}
    pool_1: {{kind: average_pool}}
    fc: {{kind: logit_head}}
training:
  batch: 4
  loss: {{kind: bce}}
  regularisers:
    - {{kind: r1, gamma: 1.0, every: 2}}
  sampler: {{kind: balanced}}
  optimizer: {{kind: adam}}
  ema: 0.9
stages:
  - name: head
    steps: 2
    generator:
      - freeze: resnet_*
    discriminator:
      - freeze: conv_img.*
    generator_rate: {{kind: constant, rate: 1.0e-3}}
    discriminator_rate: {{kind: constant, rate: 1.0e-3}}
  - name: all
    steps: 2
    discriminator:
      - freeze: conv_img.*
    generator_rate: {{kind: constant, rate: 1.0e-3}}
    discriminator_rate: {{kind: constant, rate: 1.0e-3}}
output:
  folder: {runs}
  samples_every: 2
  checkpoints_every: 2
  metrics_every: 1
  columns: 2
"""


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
