"""The recipes of the README train, at a 32nd of the width, from checkpoints that the packages write."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn, optim

from ganforge.errors import CheckpointError
from ganforge.execute import resume, run
from ganforge.files import read_json
from ganforge.listener import Listener
from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import list_checkpoints
from ganforge.runs.rundir import RunDir
from ganforge.tensors import load_tensors

README = Path(__file__).parents[1] / "README.md"
CPU = torch.device("cpu")
NARROWER = 32


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five folders with two pictures each; what is prepared from them stays beside them."""
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    for label in range(5):
        folder = tmp_path / "images" / str(label)
        folder.mkdir(parents=True)
        for index in range(2):
            pixels = random.integers(0, 256, (128, 128, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{index}.png")
    return tmp_path / "images"


def recipe_named(name: str, folder: Path) -> Path:
    """The recipe in the README, as a file."""
    texts = re.findall(r"^```yaml\n(name: .*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    (text,) = [text for text in texts if text.startswith(f"name: {name}\n")]
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def narrow(file: Path, components: Components, images: Path, folder: Path, checkpoint: Path, step: str) -> list[str]:
    """Overrides that make a training of two steps, one in each stage."""
    plan = plan_recipe(load_recipe(file, [f"data.root={images}", f"source.path={checkpoint}"], components))
    widths = {
        f"{name}.blocks.{key}.channels": block.channels // NARROWER
        for name in ("generator", "discriminator")
        for key, block in plan.network(name).blocks.items()  # type: ignore[arg-type]
        if hasattr(block, "channels")
    }
    values: dict[str, Any] = {
        **widths,
        "data.root": images,
        "source.path": checkpoint,
        "split.held_out": 0,
        "training.batch": 2,
        "training.ema": 0,
        "training.step": step,
        "output.folder": folder / "runs",
        "output.columns": 1,
        "output.checkpoints_every": 1,
    }
    values |= {f"stages[{index}].steps": 1 for index in range(len(plan.recipe.stages))}
    return [f"{key}={value}" for key, value in values.items()]


def sngan(mimicry: SimpleNamespace, path: Path) -> Path:
    network = mimicry.SNGANGenerator64(ngf=1024 // NARROWER)
    network.save_checkpoint(str(path.parent), 1, optim.Adam(network.parameters()), path.name)
    return path


def biggan_model(biggan: ModuleType, path: Path) -> Path:
    model = biggan.BigGAN(biggan.BigGANConfig(channel_width=128 // NARROWER))
    nn.init.ones_(model.generator.bn.weight)
    nn.init.zeros_(model.generator.bn.bias)
    for _ in range(2):
        model(torch.randn(1, 128), nn.functional.one_hot(torch.tensor([3]), 1000).float(), 1.0)
    torch.save(model.state_dict(), path)
    return path


#: Recipe -> the package, what writes its checkpoint, tensors that are frozen throughout, one that trains in the end.
CASES = {
    "sngan_to_five_classes": ("mimicry", sngan, "block_3.conv_0.weight", "block_2.adafm_0.gamma"),
    "biggan_to_five_classes": ("biggan", biggan_model, "block_9.conv_1.weight", "block_7.adafm_2.gamma"),
}


@pytest.mark.parametrize("step", ["exact", "fast"])
@pytest.mark.parametrize("name", CASES)
def test_the_recipe_trains_for_two_steps(
    name: str, step: str, images: Path, tmp_path: Path, components: Components, request: pytest.FixtureRequest
) -> None:
    package, write, frozen, trained = CASES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        checkpoint = write(request.getfixturevalue(package), tmp_path / "checkpoint.pth")
    file = recipe_named(name, tmp_path)
    overrides = narrow(file, components, images, tmp_path, checkpoint, step)
    finished = run(load_recipe(file, overrides, components), Listener(), CPU)
    first, last = (load_tensors(path / "generator.safetensors") for path in list_checkpoints(finished.checkpoints))
    weights = load_recipe(file, overrides, components).recipe.source.fetch(SimpleNamespace(cache=tmp_path))  # type: ignore[union-attr]
    assert torch.equal(last[frozen], weights.generator[frozen])
    assert not torch.equal(last[trained], first[trained])
    (report,) = read_json(finished.path / "load.json", CheckpointError)
    assert report["dropped"] == []
    made = ["mapping.weight: 1000 classes in the source; each the mean of all"]
    assert report["classes"] == (made if name.startswith("biggan") else [])


class Stopped(Exception):  # noqa: N818 - an event, not an error
    """Raised where a test stops a run."""


class StopAfter(Listener):
    def __init__(self, step: int) -> None:
        self.last = step

    def step(self, report: Any) -> None:
        if report.step == self.last:
            raise Stopped


SPECTRAL = """
name: spectral
resolution: 16
data: {{kind: image_folder, root: {images}}}
split: {{held_out: 0}}
generator:
  latent_dim: 4
  mapping: {{kind: class_latent, num_classes: 5, dim: 3}}
  initialisation: {{kind: variance_preserving}}
  blocks:
    fc: {{kind: biggan_grid, channels: 8}}
    block_0: {{kind: biggan_block, channels: 8, upsample: true}}
    attention: {{kind: self_attention}}
    block_1: {{kind: biggan_block, channels: 4, upsample: true}}
    conv_img: {{kind: biggan_image_head}}
discriminator:
  initialisation: {{kind: published}}
  blocks:
    block_0: {{kind: sngan_stem, channels: 4}}
    block_1: {{kind: sngan_discriminator_block, channels: 4}}
    fc: {{kind: sngan_logit_head, num_classes: 5}}
training:
  batch: 2
  loss: {{kind: hinge}}
  regularisers: [{{kind: r1, gamma: 1.0, every: 2}}]
  sampler: {{kind: balanced}}
  optimizer: {{kind: adam}}
  step: exact
stages:
  - name: frozen
    steps: 2
    generator: [{{freeze: "block_0.*"}}]
    discriminator: [{{freeze: "block_0.*"}}]
    generator_rate: &rate {{kind: constant, rate: 0.01}}
    discriminator_rate: *rate
  - name: all
    steps: 3
    generator_rate: *rate
    discriminator_rate: *rate
output: {{folder: {folder}, samples_every: 2, checkpoints_every: 1, columns: 1}}
"""


def test_a_stopped_training_with_spectral_norms_ends_with_the_same_bytes(
    images: Path, tmp_path: Path, components: Components
) -> None:
    runs = []
    for stop in (None, 2, 4):
        file = tmp_path / f"spectral_{stop}.yaml"
        file.write_text(SPECTRAL.format(images=images, folder=tmp_path / "runs"))
        loaded = load_recipe(file, [], components)
        if stop is None:
            runs.append(run(loaded, Listener(), CPU))
            continue
        with pytest.raises(Stopped):
            run(loaded, StopAfter(stop), CPU)
        folder = max((tmp_path / "runs").iterdir())
        runs.append(resume(folder, components, Listener(), CPU))
    newest = [list_checkpoints(finished.checkpoints)[-1] for finished in runs]
    assert [path.name for path in newest] == ["step_00000005"] * 3
    for path in newest[1:]:
        for file in path.glob("*.safetensors"):
            assert file.read_bytes() == (newest[0] / file.name).read_bytes(), file.name
    assert isinstance(runs[0], RunDir)
