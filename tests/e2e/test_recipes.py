"""Every recipe that is shipped can be checked; the published ones train from checkpoints with the published keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from cases import images
from torch import Tensor, optim
from torch.nn import functional as F
from traffic import traffic

from ganforge.cost.estimate import FAST, count_stages
from ganforge.listener import Listener
from ganforge.planning import plan_recipe
from ganforge.processes.group import batch_problem
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.rundir import RunDir
from ganforge.start import build_networks, fetch_source, load_pretrained
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.players import Players
from ganforge.training.step import RealBatch, TrainStep
from ganforge.weights.load import load_strict
from ganforge_flowers.published import ZHAO_GENERATOR

ROOT = Path(__file__).parents[2]
RECIPES = sorted(ROOT.glob("recipes/**/*.yaml"))
PAPER = sorted(ROOT.glob("recipes/paper/*.yaml"))
SOURCES = sorted(ROOT.glob("recipes/sources/*.yaml"))
GOLDEN = ROOT / "tests" / "golden"


def test_all_recipes_are_found() -> None:
    assert [path.stem for path in PAPER] == ["dr_scratch_cgan", "dr_scratch_gan", "dr_transfer_cgan", "dr_transfer_gan"]
    assert [path.stem for path in SOURCES] == ["celeba_cgan", "celeba_hq_cgan", "lsun_cgan"]
    assert len(RECIPES) == 17


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT / "recipes")))
def test_recipe_is_sound(path: Path, tiny_images: Path, components: Components) -> None:
    needs_images = "image_folder" in path.read_text()
    loaded = load_recipe(path, [f"data.root={tiny_images}"] if needs_images else [], components)
    plan = plan_recipe(loaded)
    assert loaded.recipe.name == ("paper_" if path in PAPER else "") + path.stem
    assert plan.generator.shapes[-1] == (3, loaded.recipe.resolution, loaded.recipe.resolution)
    has_label = path.stem.endswith(("cgan", "best"))
    assert bool(plan.generator.labels) == bool(plan.discriminator.labels) == has_label


@pytest.mark.parametrize(("name", "side"), [("dr_128_cgan", 128), ("dr_256_cgan", 256)])
def test_a_recipe_for_several_gpus_can_be_divided_and_its_steps_are_those_of_the_engine(
    name: str, side: int, components: Components
) -> None:
    path = ROOT / "recipes" / f"{name}.yaml"
    batch = load_recipe(path, [], components).recipe.training.batch
    assert all(batch_problem(batch, gpus) is None for gpus in (1, 2, 4, 8, 16, 32, 64))
    plan = plan_recipe(load_recipe(path, ["training.batch=2", "training.microbatch=null"], components))
    (cost,) = count_stages(plan, 2, FAST, [len(plan.recipe.stages) - 1])
    assert plan.recipe.resolution == side
    assert cost.work.flop["bfloat16"] > cost.work.flop["float32"] > 0
    (sent,) = traffic(plan)[-1:]
    assert cost.held["gradients"] == sent.generator + sent.discriminator
    assert cost.sums[0] == pytest.approx(sent.generator, rel=0.01)


def test_a_generator_that_grows_by_a_level_begins_with_the_images_of_its_source(components: Components) -> None:
    images = {}
    for name in ("dr_best", "dr_128_cgan"):
        plan = plan_recipe(load_recipe(ROOT / "recipes" / f"{name}.yaml", [], components))
        pretrained = fetch_source(plan, Listener())
        assert pretrained is not None and pretrained.generator is not None
        generator, _ = build_networks(plan)
        rules = plan.generator.spec.pretrained
        assert rules is not None
        load_strict("generator", generator, pretrained.generator, rules)
        z = torch.randn(4, 128, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            images[name] = generator(z, torch.zeros(4, dtype=torch.int64))
    small = F.avg_pool2d(images["dr_128_cgan"], 2)
    for grown, source in zip(small, images["dr_best"], strict=True):
        assert torch.corrcoef(torch.stack([grown.flatten(), source.flatten()]))[0, 1] > 0.9


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_published_recipe_trains_for_two_steps(path: Path, tmp_path: Path, components: Components) -> None:
    loaded = load_recipe(path, _checkpoint(path.stem, tmp_path), components)
    plan, recipe = plan_recipe(loaded), loaded.recipe
    run = RunDir.create(tmp_path, "run")
    generator, discriminator = build_networks(plan)
    pretrained = fetch_source(plan, Listener())
    if pretrained is not None:
        load_pretrained(plan, pretrained, generator, discriminator, images(num_classes=5), run, Listener())
        assert generator.get_parameter("resnet_3_0.conv_0.weight").eq(2**-13).all()
        assert discriminator.get_parameter("resnet_0_1.conv_s.weight").eq(2**-13).all()
    for network, trains in ((generator, plan.generator.trains[0]), (discriminator, plan.discriminator.trains[0])):
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(trains[name])
    frozen = {name: value.clone() for name, value in discriminator.named_parameters() if not value.requires_grad}
    # SGD: the optimizer is not what is tested here, and Adam's state would take another gigabyte
    optimizers = [optim.SGD(network.parameters(), lr=1e-6) for network in (generator, discriminator)]
    step = TrainStep(
        Players(generator, discriminator, *optimizers),
        recipe.training.loss,
        recipe.training.regularisers,
        torch.full((5,), 0.2, dtype=torch.float64),
        recipe.seed,
        PiecewiseRoute(discriminator, torch.float32),
    )
    for index in range(2):
        metrics = step(RealBatch(torch.zeros(1, 3, 128, 128), torch.tensor([index])), index, [index])
        assert {"loss_generator", "loss_real", "loss_fake", "penalty_real"} <= set(metrics)
    assert all(torch.equal(value, discriminator.get_parameter(name)) for name, value in frozen.items())


def _checkpoint(recipe: str, folder: Path) -> list[str]:
    """A made-up checkpoint with the published names and shapes, as an override of the recipe's source."""
    if "transfer" not in recipe:
        return []
    discriminator = _constant(_golden("discriminator"))
    if recipe == "dr_transfer_gan":
        generator = _constant(_golden("generator"))
    else:
        generator = _constant(_zhao_shapes())
        discriminator |= _constant({"fc.weight": [1, 16384], "fc.bias": [1]})
    path = folder / "published.pt"
    state = {"generator": generator, "generator_test": generator, "discriminator": discriminator, "it": 7}
    torch.save(
        {
            key: {f"module.{name}": value for name, value in part.items()} if isinstance(part, dict) else part
            for key, part in state.items()
        },
        path,
    )
    return [f"source.path={path}"]


def _golden(network: str) -> dict[str, list[int]]:
    lines = (GOLDEN / f"gp_gan_128_{network}.keys").read_text().split("\n")
    return {name: [int(n) for n in shape.split("x")] for name, shape in (line.split() for line in lines if line)}


def _zhao_shapes() -> dict[str, list[int]]:
    style = {"weight": [1024, 256], "bias": [1024]}
    shapes: dict[str, list[int]] = {"embedding.weight": [1, 256], "fc.weight": [8192, 256], "fc.bias": [8192]}
    for head in ("head_0", "head_1"):
        shapes |= {f"{head}.conv_0.weight": [512, 512, 4, 4], f"{head}.conv_s.weight": [512, 512, 4, 4]}
        shapes |= {f"{head}.conv_1.weight": [512, 512, 3, 3]}
        for index in (0, 1):
            shapes |= {f"{head}.conv_{index}.bias": [512], f"{head}.noise_{index}.weight": [1, 512, 1, 1]}
            shapes |= {f"{head}.adain_{index}.style.{name}": shape for name, shape in style.items()}
    shapes |= {f"match.norm.{name}": [16, 16] for name in ("weight", "bias")}
    shapes |= {f"match.{name}": [1, 512, 1, 1] for name in ("weight", "beta")}
    levels = ("resnet_3_", "resnet_4_", "resnet_5_", "conv_img")
    trunk = {name: shape for name, shape in _golden("generator").items() if name.startswith(levels)}
    for name, shape in list(trunk.items()):
        if ".conv_0.weight" in name or ".conv_1.weight" in name:
            block, index = name.split(".conv_")[0], name.split(".conv_")[1][0]
            trunk |= {f"{block}.adafm_{index}.{part}": [*shape[:2], 1, 1] for part in ("gamma", "beta")}
    shapes |= trunk
    for layer in range(8):
        shapes |= {f"mapping.fc_{layer}.weight": [256, 256], f"mapping.fc_{layer}.bias": [256]}
    return ZHAO_GENERATOR.to_theirs(shapes)


def _constant(shapes: dict[str, list[int]]) -> dict[str, Tensor]:
    return {name: torch.full(shape, 2**-13, dtype=torch.float16) for name, shape in shapes.items()}
