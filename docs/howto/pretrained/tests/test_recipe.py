"""The recipe trains from the source, moves what it says, and its run can be sampled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganforge import execute
from ganforge.listener import Listener
from ganforge.opening import load_generator
from ganforge.plan.plan import Plan
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.sampling import Sampler
from ganforge.weights.pretrained import StoreContext
from ganforge_dcgan.source import DCGANFaces

RECIPE = Path(__file__).parents[1] / "dr_transfer_dcgan.yaml"


def test_components_come_from_the_package(components: Components) -> None:
    found = {
        name: str(origin) for family in ("block", "source") for name, _, origin in components[family] if "dcgan" in name
    }
    assert found == dict.fromkeys(("dcgan_project", "dcgan_up", "dcgan_image", "dcgan_faces"), "ganforge-dcgan 0.1.0")


def test_convolutions_near_the_image_never_train(planned: Callable[..., Plan]) -> None:
    plan = planned()
    head, norm = plan.generator.trains
    near = ["up_1.conv_0.weight", "up_2.conv_0.weight", "image.conv_0.weight"]
    assert not any(trains[name] for trains in (head, norm) for name in near)
    opened = {name for name in norm if norm[name] and not head[name]}
    assert opened == {f"{key}.norm_0.{name}" for key in ("up_1", "up_2") for name in ("weight", "bias")}
    assert all(all(trains.values()) for trains in plan.discriminator.trains)
    assert [label.name for label in plan.generator.labels] == ["label_project_concatenate"]
    assert [label.name for label in plan.discriminator.labels] == ["label_resnet_1_0_concatenate_map"]


def test_two_steps_train_what_the_stages_say(
    components: Components, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    overrides = [
        f"source.path={checkpoint}",
        f"output.folder={tmp_path / 'runs'}",
        "data.images=60",
        "training.batch=2",
        "training.step=exact",
        "stages[0].steps=1",
        "stages[1].steps=1",
        "evaluation.evaluators=[]",
    ]
    loaded = load_recipe(RECIPE, overrides, components)
    run = execute.run(loaded, Listener(), torch.device("cpu"))
    generator, plan = load_generator(run.path, components, torch.device("cpu"), Listener())
    before = DCGANFaces(path=checkpoint).fetch(StoreContext(tmp_path)).generator
    assert before is not None
    after = generator.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(after[name], value)}
    norms = {f"{key}.norm_0.{name}" for key in ("project", "up_0", "up_1", "up_2") for name in ("weight", "bias")}
    assert changed == norms | {"project.conv_0.weight", "up_0.conv_0.weight"}
    images = Sampler(generator, seed=0).images([0, 4])
    assert images.shape == (2, 3, 64, 64)
    assert plan.classes[4] == "4 proliferative"
