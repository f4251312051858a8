"""BigGAN computes what pytorch-pretrained-biggan computes, for the checkpoints that it publishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.plan import Plan
from ganforge.recipe.models import LoadRules
from ganforge.testing import check_keymap
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import StoreContext
from ganforge_zoo.biggan_names import generator_names
from ganforge_zoo.biggan_source import BigGANCheckpoint

WIDTH, Z, CLASSES = 4, 5, 3
#: By resolution: for each block whether it upsamples, and its inputs and outputs in units of the width.
LAYERS: dict[int, list[tuple[bool, int, int]]] = {
    128: [(i % 2 == 1, *widths) for i, widths in enumerate(
        [(16, 16), (16, 16), (16, 16), (16, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]
    )],
    256: [(i % 2 == 1, *widths) for i, widths in enumerate(
        [(16, 16), (16, 16), (16, 16), (16, 8), (8, 8), (8, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]
    )],
}  # fmt: skip
LAYERS[512] = [*LAYERS[256], (False, 1, 1), (True, 1, 1)]
#: The block in front of which all of them attend.
ATTENTION = 8

Planned = Callable[..., Plan]
Built = Callable[[Plan], tuple[Generator, Discriminator]]


def generator(resolution: int, width: int, z: int, classes: int) -> dict[str, Any]:
    blocks: dict[str, Any] = {"fc": {"kind": "biggan_grid", "channels": 16 * width}}
    for index, (upsample, _, outputs) in enumerate(LAYERS[resolution]):
        if index == ATTENTION:
            blocks["attention"] = {"kind": "self_attention"}
        blocks[f"block_{index}"] = {"kind": "biggan_block", "channels": outputs * width, "upsample": upsample}
    blocks["conv_img"] = {"kind": "biggan_image_head"}
    mapping = {"kind": "class_latent", "num_classes": classes, "dim": z}
    return {"latent_dim": z, "mapping": mapping, "blocks": blocks}


def published(biggan: ModuleType, resolution: int, width: int, z: int, classes: int) -> nn.Module:
    """Their generator, with first values that don't change from test to test."""
    config = biggan.BigGANConfig(
        output_dim=resolution,
        z_dim=z,
        class_embed_dim=z,
        channel_width=width,
        num_classes=classes,
        layers=LAYERS[resolution],
        attention_layer_position=ATTENTION,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return biggan.BigGAN(config)


def one_hot(labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.one_hot(labels, CLASSES).double()


@pytest.fixture(scope="module")
def small(biggan: ModuleType, helpers: SimpleNamespace) -> Callable[[int], nn.Module]:
    """Their generator at a small width, as if it had trained."""
    models: dict[int, nn.Module] = {}

    def make(resolution: int) -> nn.Module:
        if resolution not in models:
            model = published(biggan, resolution, WIDTH, Z, CLASSES).double()
            z, labels = helpers.normal(1, Z), one_hot(torch.tensor([1]))
            models[resolution] = helpers.as_if_trained(model, lambda: model(z, labels, 1.0))
        return models[resolution]

    return make


def loaded(source: BigGANCheckpoint, resolution: int, planned: Planned, built: Built, cache: Path) -> Generator:
    plan = planned(resolution, generator=generator(resolution, WIDTH, Z, CLASSES))
    network, _ = built(plan)
    weights = source.fetch(StoreContext(cache)).generator
    assert weights is not None
    report = load_strict("generator", network, weights, LoadRules())
    assert (report.fresh, report.dropped) == ((), ())
    return network.requires_grad_(False)


def test_other_classes_are_made_of_chosen_ones_of_the_source(
    small: Callable[[int], nn.Module], helpers: SimpleNamespace, planned: Planned, built: Built, tmp_path: Path
) -> None:
    theirs, file = small(128), tmp_path / "pytorch_model.bin"
    torch.save(theirs.state_dict(), file)
    ours, _ = built(planned(128, classes=2, generator=generator(128, WIDTH, Z, 2)))
    weights = BigGANCheckpoint(path=file).fetch(StoreContext(tmp_path)).generator
    assert weights is not None
    report = load_strict("generator", ours, weights, LoadRules(classes=(2, 0)))
    assert list(report.classes) == ["mapping.weight: 3 classes in the source; chosen: 2, 0"]
    ours.requires_grad_(False)
    z = helpers.normal(2, Z, seed=3)
    expected = theirs(z, one_hot(torch.tensor([2, 0])), 1.0)
    torch.testing.assert_close(ours(z, torch.tensor([0, 1])), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("resolution", "truncation"), [(128, 1.0), (128, 0.4), (256, 1.0), (512, 0.02)])
def test_it_computes_what_the_package_computes(
    resolution: int,
    truncation: float,
    small: Callable[[int], nn.Module],
    helpers: SimpleNamespace,
    planned: Planned,
    built: Built,
    tmp_path: Path,
) -> None:
    theirs, file = small(resolution), tmp_path / "pytorch_model.bin"
    # the published files were written before torch had its present format
    torch.save(theirs.state_dict(), file, _use_new_zipfile_serialization=False)
    source = BigGANCheckpoint(path=file, truncation=truncation)
    source.preflight()
    ours = loaded(source, resolution, planned, built, tmp_path)
    assert ours.is_conditional
    z, labels = helpers.normal(2, Z, seed=3), torch.tensor([2, 0])
    expected = theirs(z, one_hot(labels), truncation)
    assert 0.01 < expected.std() < 0.9
    torch.testing.assert_close(ours(z, labels), expected, rtol=1e-10, atol=1e-10)


def test_between_two_truncations_the_statistics_go_from_one_to_the_other(
    small: Callable[[int], nn.Module], planned: Planned, built: Built, tmp_path: Path
) -> None:
    theirs, file = small(128), tmp_path / "pytorch_model.bin"
    torch.save(theirs.state_dict(), file)
    weights = BigGANCheckpoint(path=file, truncation=0.405).fetch(StoreContext(tmp_path)).generator
    assert weights is not None
    table = theirs.state_dict()["generator.layers.0.bn_2.running_vars"]
    torch.testing.assert_close(weights["block_0.bn_2.running_var"], 0.75 * table[20] + 0.25 * table[21])


def test_pulling_the_style_is_pulling_the_latent(
    small: Callable[[int], nn.Module], helpers: SimpleNamespace, planned: Planned, built: Built, tmp_path: Path
) -> None:
    from ganforge.blocks.base import Context

    file = tmp_path / "pytorch_model.bin"
    torch.save(small(128).state_dict(), file)
    ours = loaded(BigGANCheckpoint(path=file), 128, planned, built, tmp_path)
    z, labels = helpers.normal(1, Z), torch.tensor([1])
    centre = ours.style(torch.zeros_like(z), labels)
    style = centre + 0.5 * (ours.style(z, labels) - centre)
    torch.testing.assert_close(ours(z, labels, Context(style=style)), ours(0.5 * z, labels))


@pytest.mark.parametrize("resolution", LAYERS)
def test_the_whole_network_has_the_names_and_shapes_of_the_package(
    resolution: int, biggan: ModuleType, planned: Planned
) -> None:
    from ganforge.plan.build import assemble

    with torch.device("meta"):
        theirs = published(biggan, resolution, width=128, z=128, classes=1000)
        ours = assemble(planned(resolution, generator=generator(resolution, 128, 128, 1000)).generator)
    names = generator_names(len(LAYERS[resolution]) + 1, ATTENTION)
    found = {name: tuple(value.shape) for name, value in ours.state_dict().items() if not name.endswith(".sigma")}
    found["mapping.weight"] = found["mapping.weight"][::-1]
    for name, shape in found.items():
        if ".running_" in name:
            found[name] = (51, *shape)
    assert names.to_theirs(found) == {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    millions = {128: 50.4, 256: 55.9, 512: 56.2}
    assert sum(parameter.numel() for parameter in ours.parameters()) / 1e6 == pytest.approx(
        millions[resolution], abs=0.05
    )


@pytest.mark.parametrize(("num_layers", "attention"), [(11, 8), (13, 8), (15, 8), (4, None)])
def test_the_key_map_is_one_to_one(num_layers: int, attention: int | None) -> None:
    check_keymap(generator_names(num_layers, attention))
