"""The networks of recipes/sources are those of the published files: names, shapes and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod, sqrt
from pathlib import Path

import pytest
import torch
from reference_gan_stability import PUBLISHED
from torch import Tensor

from ganforge.freeze.policy import describe_names
from ganforge.interfaces import BlockSpec
from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.build import build_network
from ganforge.plan.walk import walk
from ganforge.recipe.load import load_recipe
from ganforge.recipe.models import Recipe
from ganforge.registry import Components
from ganforge.shapes import Shape
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import StoreContext
from ganforge_flowers.gp_gan import GPGANCheckpoint
from ganforge_flowers.layouts import SEQUENTIAL_NAMES

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
Z, CLASSES = 5, ("none", "mild", "severe")


def recipe_named(name: str, components: Components) -> Recipe:
    return load_recipe(ROOT / "recipes" / "sources" / f"{name}.yaml", [], components).recipe


def scaled(blocks: Mapping[str, BlockSpec], divisor: int) -> dict[str, BlockSpec]:
    """The same blocks with fewer channels."""
    return {
        key: block.model_copy(update={"channels": block.channels // divisor}) if hasattr(block, "channels") else block
        for key, block in blocks.items()
    }


def networks(recipe: Recipe, divisor: int) -> tuple[Generator, Discriminator]:
    """Those of the recipe, labels and AdaFM included, at a small width, in float64."""
    generator, discriminator = recipe.generator, recipe.discriminator
    small = {
        "generator": generator.model_copy(update={"blocks": scaled(generator.blocks, divisor), "latent_dim": Z}),
        "discriminator": discriminator.model_copy(update={"blocks": scaled(discriminator.blocks, divisor)}),
    }
    plan = walk(recipe.model_copy(update=small), CLASSES)
    built = build_network(plan.generator, seed=0), build_network(plan.discriminator, seed=1)
    assert isinstance(built[0], Generator) and isinstance(built[1], Discriminator)
    return built[0].double(), built[1].double()


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    """Weights that keep features and images of moderate size, under the names of nn.DataParallel."""
    generator = torch.Generator().manual_seed(seed)
    return {
        f"module.{name}": torch.randn(shape, generator=generator, dtype=torch.float64) / sqrt(prod(shape[1:]))
        for name, shape in shapes.items()
    }


def plain(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix("module."): tensor for name, tensor in weights.items()}


def written(keys: Mapping[str, tuple[int, ...]]) -> str:
    return "".join(f"{name} {'x'.join(map(str, shape))}\n" for name, shape in sorted(keys.items()))


def names_and_shapes(blocks: Mapping[str, BlockSpec], shape: Shape) -> dict[str, tuple[int, ...]]:
    """Of the parameters of the blocks alone, without labels and AdaFM, from a build that allocates nothing."""
    found = {}
    for key, block in blocks.items():
        with torch.device("meta"):
            module = block.build(shape, 0)
        found |= {f"{key}.{part}": tuple(value.shape) for part, value in module.state_dict().items()}
        shape = block.out_shape(shape)
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_networks_of_a_recipe_have_the_published_names_and_shapes(name: str, components: Components) -> None:
    recipe, published = recipe_named(name, components), PUBLISHED[name]
    for network, first, described in (
        ("generator", Shape(recipe.generator.latent_dim, 1, 1), published.generator_keys()),
        ("discriminator", Shape(3, recipe.resolution, recipe.resolution), published.discriminator_keys()),
    ):
        found = names_and_shapes(getattr(recipe, network).blocks, first)
        golden = (GOLDEN / f"gp_gan_{name.removesuffix('_cgan')}_{network}.keys").read_text()
        assert written(SEQUENTIAL_NAMES.to_theirs(found) if "resnet.0" in golden else found) == golden
        assert written(described) == golden


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_checkpoint_computes_in_its_recipe_what_it_computed_where_it_was_published(
    name: str, tmp_path: Path, components: Components
) -> None:
    recipe, published = recipe_named(name, components), PUBLISHED[name]
    nf = published.nf // 16 if published.resolution == 1024 else published.nf // 32
    theirs = {
        "it": 400_000,
        "epoch_idx": 3,
        "generator": drawn(published.generator_keys(nf, Z), seed=2),
        "generator_test": drawn(published.generator_keys(nf, Z), seed=3),
        "discriminator": drawn(published.discriminator_keys(nf), seed=4),
        "g_optimizer": {"state": {0: {"step": 1, "square_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-4}]},
    }
    torch.save(theirs, tmp_path / "gan.pt")
    source = GPGANCheckpoint(path=tmp_path / "gan.pt").fetch(StoreContext(tmp_path))
    generator, discriminator = networks(recipe, published.nf // nf)
    for network, module in (("generator", generator), ("discriminator", discriminator)):
        weights, rules = getattr(source, network), getattr(recipe, network).pretrained
        report = load_strict(network, module, weights, rules)
        assert len(report.loaded) == len(weights) and not report.dropped
        assert all("label_" in key or ".adafm_" in key or ".extra" in key for key in report.fresh), report.fresh
    z = torch.randn(3, Z, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    labels, only_class = torch.tensor([0, 2, 1]), torch.zeros(3, dtype=torch.int64)
    with torch.no_grad():
        images = published.generator(plain(theirs["generator_test"]), z, only_class)
        assert images.shape == (3, 3, published.resolution, published.resolution)
        assert 1e-3 < images.std() < 0.9
        torch.testing.assert_close(generator(z, labels), images, rtol=1e-10, atol=1e-10)
        logits = published.discriminator(plain(theirs["discriminator"]), images, only_class)
        assert logits.std() > 1e-3
        torch.testing.assert_close(discriminator(images, labels), logits, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_recipe_trains_the_blocks_near_the_latent_and_leaves_those_near_the_image(
    name: str, components: Components
) -> None:
    plan = walk(recipe_named(name, components), CLASSES)
    for stage, adapts in ((0, False), (1, True)):
        trained = [key for key, trains in plan.generator.trains[stage].items() if trains]
        convolutions = [key for key in trained if ".adafm_" not in key]
        assert describe_names(convolutions) == "fc.*, resnet_0_0.*, resnet_1_0.*, resnet_2_0.*, label_fc_concatenate.*"
        assert (len(trained) > len(convolutions)) == adapts
        frozen = [key for key, trains in plan.discriminator.trains[stage].items() if not trains]
        assert describe_names(frozen) == "conv_img.*, resnet_0_0.*"
    assert [label.name for label in plan.discriminator.labels] == ["label_resnet_1_0_concatenate_map"]


@pytest.mark.parametrize("scene", ["bedroom", "bridge", "church", "tower"])
def test_the_recipe_for_scenes_takes_each_of_their_sources(scene: str, components: Components) -> None:
    overrides = [f"source.kind=gp_gan_lsun_{scene}"]
    source = load_recipe(ROOT / "recipes" / "sources" / "lsun_cgan.yaml", overrides, components).recipe.source
    assert source is not None
    file = source.published()
    assert file is not None and f"/lsun_{scene}-" in file.url
