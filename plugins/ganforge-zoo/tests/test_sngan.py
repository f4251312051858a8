"""SNGAN and cGAN-PD compute what torch-mimicry computes, for the checkpoints that it writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.plan import Plan
from ganforge.recipe.models import LoadRules
from ganforge.testing import check_keymap
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import StoreContext
from ganforge_zoo.sngan_names import discriminator_names, generator_names
from ganforge_zoo.sngan_source import SNGANCheckpoint

WIDTH, Z, CLASSES = 32, 6, 3
#: By resolution: side of the first grid, and by what each block's width is divided.
GENERATORS = {32: (4, (1, 1, 1)), 48: (6, (2, 4, 8)), 64: (4, (2, 4, 8, 16)), 128: (4, (1, 2, 4, 8, 16))}
#: By resolution: the same for a discriminator, and how many blocks at the end don't pool.
DISCRIMINATORS = {
    32: ((1, 1, 1, 1), 2),
    48: ((16, 8, 4, 2, 1), 1),
    64: ((16, 8, 4, 2, 1), 0),
    128: ((16, 8, 4, 2, 1, 1), 1),
}
CASES = [(32, 0), (48, 0), (64, 0), (128, 0), (32, CLASSES), (128, CLASSES)]

Planned = Callable[..., Plan]
Built = Callable[[Plan], tuple[Generator, Discriminator]]


def generator_blocks(resolution: int, width: int, classes: int) -> dict[str, Any]:
    side, divisors = GENERATORS[resolution]
    blocks: dict[str, Any] = {"fc": {"kind": "latent_to_grid", "channels": width, "side": side}}
    for index, divisor in enumerate(divisors):
        block = {"kind": "sngan_generator_block", "channels": width // divisor, "num_classes": classes}
        blocks[f"block_{index}"] = block
    return {**blocks, "conv_img": {"kind": "sngan_image_head"}}


def discriminator_blocks(resolution: int, width: int, classes: int) -> dict[str, Any]:
    divisors, unpooled = DISCRIMINATORS[resolution]
    blocks: dict[str, Any] = {"block_0": {"kind": "sngan_stem", "channels": width // divisors[0]}}
    for index, divisor in enumerate(divisors[1:], start=1):
        pool = index < len(divisors) - unpooled
        block = {"kind": "sngan_discriminator_block", "channels": width // divisor, "pool": pool}
        blocks[f"block_{index}"] = block
    return {**blocks, "fc": {"kind": "sngan_logit_head", "num_classes": classes}}


def published(
    mimicry: SimpleNamespace, resolution: int, classes: int, width: int, z: int
) -> tuple[nn.Module, nn.Module]:
    """Their generator and discriminator, with first values that don't change from test to test."""
    family, fields = ("CGANPD", {"num_classes": classes}) if classes else ("SNGAN", {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = getattr(mimicry, f"{family}Generator{resolution}")(nz=z, ngf=width, **fields)
        return generator, getattr(mimicry, f"{family}Discriminator{resolution}")(ndf=width, **fields)


@pytest.mark.parametrize(("resolution", "classes"), CASES)
def test_both_networks_compute_what_the_package_computes(
    resolution: int,
    classes: int,
    mimicry: SimpleNamespace,
    helpers: SimpleNamespace,
    planned: Planned,
    built: Built,
    tmp_path: Path,
) -> None:
    labels = torch.tensor([0, 2, 1])
    given = (labels,) if classes else ()
    z, images = helpers.normal(3, Z), helpers.normal(3, 3, resolution, resolution)
    theirs = published(mimicry, resolution, classes, WIDTH, Z)
    files = []
    for network, inputs in zip(theirs, (z, images), strict=True):
        helpers.as_if_trained(network, lambda network=network, inputs=inputs: network(inputs.clone(), *given))
        optimizer = optim.Adam(network.parameters())
        network.save_checkpoint(str(tmp_path), 7, optimizer, f"net{len(files)}.pth")
        files.append(tmp_path / f"net{len(files)}.pth")

    source = SNGANCheckpoint(path=files[0], discriminator=files[1])
    source.preflight()
    weights = source.fetch(StoreContext(tmp_path))
    plan = planned(
        resolution,
        generator={"latent_dim": Z, "blocks": generator_blocks(resolution, WIDTH, classes)},
        discriminator={"blocks": discriminator_blocks(resolution, WIDTH, classes)},
    )
    ours = built(plan)
    for name, network in zip(("generator", "discriminator"), ours, strict=True):
        report = load_strict(name, network, getattr(weights, name), LoadRules())
        assert (report.fresh, report.dropped) == ((), ())
    assert ours[0].is_conditional == bool(classes)
    for network in ours:
        network.requires_grad_(False)  # as they stand; while they train, their singular vectors follow
    assert_equal(ours[0](z, labels), theirs[0](z, *given))
    assert_equal(ours[1](images, labels), theirs[1](images.clone(), *given)[:, 0])


def test_other_classes_are_made_of_chosen_ones_of_the_source(
    mimicry: SimpleNamespace, helpers: SimpleNamespace, planned: Planned, built: Built, tmp_path: Path
) -> None:
    theirs, _ = published(mimicry, 32, 3, WIDTH, Z)
    theirs.save_checkpoint(str(tmp_path), 7, optim.Adam(theirs.parameters()), "netG.pth")
    weights = SNGANCheckpoint(path=tmp_path / "netG.pth").fetch(StoreContext(tmp_path)).generator
    assert weights is not None
    plan = planned(32, classes=2, generator={"latent_dim": Z, "blocks": generator_blocks(32, WIDTH, 2)})
    ours, _ = built(plan)
    report = load_strict("generator", ours, weights, LoadRules(classes=(2, 0)))
    assert report.classes and all(row.endswith("3 classes in the source; chosen: 2, 0") for row in report.classes)
    ours.requires_grad_(False)
    z = helpers.normal(2, Z)
    assert_equal(ours(z, torch.tensor([0, 1])), theirs.double().eval()(z, torch.tensor([2, 0])))


def assert_equal(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert expected.std() > 1e-4 and expected.abs().max() < 1e3
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("resolution", "classes"), CASES)
def test_the_whole_networks_have_the_names_and_shapes_of_the_package(
    resolution: int, classes: int, mimicry: SimpleNamespace, planned: Planned
) -> None:
    from ganforge.plan.build import assemble

    width = {32: 256, 48: 512}.get(resolution, 1024)
    with torch.device("meta"):
        theirs = published(mimicry, resolution, classes, width, 128)
        plan = planned(
            resolution,
            generator={"latent_dim": 128, "blocks": generator_blocks(resolution, width, classes)},
            discriminator={"blocks": discriminator_blocks(resolution, width, classes)},
        )
        ours = [assemble(network) for network in (plan.generator, plan.discriminator)]
    maps = (
        generator_names(len(GENERATORS[resolution][1]), conditional=bool(classes)),
        discriminator_names(
            len(DISCRIMINATORS[resolution][0]),
            {32: 5, 48: 5, 64: 6, 128: 7}[resolution],
            own_norms=(resolution, bool(classes)) == (32, True),
        ),
    )
    for network, their_network, names in zip(ours, theirs, maps, strict=True):
        found = {
            name: tuple(value.shape) for name, value in network.state_dict().items() if not name.endswith(".sigma")
        }
        expected = {
            name: tuple(value.shape)
            for name, value in their_network.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
        if (resolution, bool(classes)) == (32, True) and "fc.linear.weight" in found:
            # the package keeps one vector of these, as a row, and computes the other
            for layer in ("linear", "projection"):
                del found[f"fc.{layer}.spectral.v"]
                found |= {
                    f"fc.{layer}.spectral.u": (1, *found[f"fc.{layer}.spectral.u"]),
                    f"fc.{layer}.spectral.sigma": (1,),
                }
        assert names.to_theirs(found) == expected


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("num_blocks", [3, 4, 5])
def test_the_key_maps_of_generators_are_one_to_one(num_blocks: int, conditional: bool) -> None:
    check_keymap(generator_names(num_blocks, conditional=conditional))


@pytest.mark.parametrize(("num_blocks", "last"), [(4, 5), (5, 5), (5, 6), (6, 7)])
@pytest.mark.parametrize("own_norms", [False, True])
def test_the_key_maps_of_discriminators_are_one_to_one(num_blocks: int, last: int, own_norms: bool) -> None:
    check_keymap(discriminator_names(num_blocks, last, own_norms=own_norms))
