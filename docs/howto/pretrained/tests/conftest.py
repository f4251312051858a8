"""The package as installing it would leave it, and a checkpoint with drawn values under the published names."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from ganforge import plugins
from ganforge.plan.plan import Plan
from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components

HOWTO = Path(__file__).parents[1]
sys.path[:0] = [str(HOWTO), str(HOWTO / "tests")]

from reference_dcgan import plain_dcgan


@pytest.fixture(scope="session")
def components(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Components]:
    """All components, with this package found through the entry point of its pyproject.toml."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((HOWTO / "pyproject.toml").read_text())["project"]
    info = folder / "ganforge_dcgan-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text(f"[ganforge]\ndcgan = {project['entry-points']['ganforge']['dcgan']}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield plugins.load()


@pytest.fixture(scope="session")
def planned(components: Components) -> Callable[..., Plan]:
    """The plan of the recipe, with some values changed."""
    return lambda *overrides: plan_recipe(load_recipe(HOWTO / "dr_transfer_dcgan.yaml", overrides, components))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`weights.tar` with drawn weights and statistics under the published names."""
    generator = torch.Generator().manual_seed(0)
    weights = plain_dcgan().state_dict()
    for name, value in weights.items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=generator)
            value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else 0.1 * drawn)
    path = tmp_path_factory.mktemp("checkpoint") / "weights.tar"
    torch.save({"netG_state_dict": {f"main.{name}": value for name, value in weights.items()}}, path)
    return path
