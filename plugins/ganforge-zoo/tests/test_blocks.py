"""The blocks keep the promises of their interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ganforge.errors import RecipeError
from ganforge.interfaces import BlockSpec
from ganforge.plan.plan import Plan
from ganforge.recipe.models import LoadRules
from ganforge.shapes import Shape, ShapeError
from ganforge.testing import check_block, check_mapping
from ganforge.weights.load import load_strict
from ganforge_zoo import biggan_specs, sngan_specs
from ganforge_zoo.biggan_specs import BigGANBlock, BigGANGrid, BigGANImageHead, ClassLatent, SelfAttention
from ganforge_zoo.sngan_specs import (
    SNGANDiscriminatorBlock,
    SNGANGeneratorBlock,
    SNGANImageHead,
    SNGANLogitHead,
    SNGANStem,
)

FEATURES, ODD, WIDE = Shape(4, 6, 6), Shape(3, 5, 7), Shape(8, 4, 6)
EXAMPLES: list[tuple[BlockSpec, Shape]] = [
    *((SNGANGeneratorBlock(channels=3, num_classes=classes), FEATURES) for classes in (0, 2)),
    (SNGANGeneratorBlock(channels=4), ODD),
    (SNGANImageHead(), FEATURES),
    (SNGANStem(channels=4), FEATURES),
    (SNGANStem(channels=4), ODD),
    *((SNGANDiscriminatorBlock(channels=width, pool=pool), FEATURES) for width in (3, 4) for pool in (True, False)),
    (SNGANDiscriminatorBlock(channels=4), ODD),
    *((SNGANLogitHead(num_classes=classes), FEATURES) for classes in (0, 2)),
    (BigGANGrid(channels=3, side=2), Shape(6, 1, 1)),
    *((BigGANBlock(channels=width, upsample=up), WIDE) for width in (4, 8) for up in (True, False)),
    (SelfAttention(), WIDE),
    (SelfAttention(), Shape(9, 3, 5)),
    (BigGANImageHead(), FEATURES),
]


def test_every_block_is_checked_here() -> None:
    kinds = {spec.kind_name() for spec in (*sngan_specs.BLOCKS, *biggan_specs.BLOCKS)}
    assert {spec.kind for spec, _ in EXAMPLES} == kinds
    assert len(kinds) == 9


@pytest.mark.parametrize(("spec", "shape"), EXAMPLES, ids=lambda value: getattr(value, "kind", str(value)))
def test_block(spec: BlockSpec, shape: Shape) -> None:
    check_block(spec, shape)


def test_class_latent_is_a_mapping_network() -> None:
    check_mapping(ClassLatent(num_classes=2, dim=3))


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        (BigGANBlock(channels=8), Shape(4, 4, 4), "expects at least 8 input channels, but gets 4."),
        (BigGANBlock(channels=1), Shape(2, 4, 4), "expects at least 4 input channels, but gets 2."),
        (SelfAttention(), Shape(4, 4, 4), "expects at least 8 channels and 2 x 2 pixels, but gets 4 x 4 x 4."),
        (BigGANImageHead(), Shape(2, 4, 4), "expects at least 3 channels, but gets 2."),
        (SNGANStem(channels=2), Shape(3, 1, 4), "can't halve 1 x 4 pixels."),
        (SNGANDiscriminatorBlock(channels=2), Shape(3, 4, 1), "can't halve 4 x 1 pixels."),
    ],
)
def test_a_shape_that_a_block_can_not_take_is_named(spec: BlockSpec, shape: Shape, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        spec.out_shape(shape)
    assert str(caught.value) == message


def test_a_recipe_is_told_what_a_condition_needs(planned: Callable[..., Plan]) -> None:
    generator = {
        "latent_dim": 4,
        "mapping": {"kind": "class_latent", "num_classes": 2, "dim": 3},
        "blocks": {
            "fc": {"kind": "biggan_grid", "channels": 4},
            "conv_img": {"kind": "biggan_image_head"},
        },
    }
    with pytest.raises(RecipeError) as caught:
        planned(4, classes=3, generator=generator)
    assert str(caught.value) == "generator.mapping.num_classes: is 2, but the data has 3 classes."
    assert planned(4, classes=2, generator=generator).generator.style_dim == 7
    blocks = {"norm": {"kind": "pixel_norm"}, **generator["blocks"]}
    with pytest.raises(RecipeError) as caught:
        planned(4, classes=2, generator={**generator, "blocks": blocks})
    assert str(caught.value) == (
        "generator.blocks.fc: a block of kind 'biggan_grid' starts from the style, so it must be the first."
    )


def test_a_discriminator_that_is_conditional_by_birth_takes_wrong_labels(planned: Callable[..., Plan]) -> None:
    def plan(classes: int) -> Plan:
        head = {"kind": "sngan_logit_head", "num_classes": classes}
        blocks = {"block_0": {"kind": "sngan_stem", "channels": 3}, "fc": head}
        return planned(8, wrong_labels=0.5, generator=NETWORKS["sngan"]["generator"], discriminator={"blocks": blocks})

    assert plan(classes=3).recipe.training.wrong_labels == 0.5
    with pytest.raises(RecipeError) as caught:
        plan(classes=0)
    assert str(caught.value) == "training.wrong_labels: would have no effect: the discriminator reads no label."


NETWORKS: dict[str, dict[str, Any]] = {
    "sngan": {
        "generator": {
            "latent_dim": 4,
            "blocks": {
                "fc": {"kind": "latent_to_grid", "channels": 4},
                "block_0": {"kind": "sngan_generator_block", "channels": 3},
                "conv_img": {"kind": "sngan_image_head"},
            },
        },
        "discriminator": {
            "blocks": {
                "block_0": {"kind": "sngan_stem", "channels": 3},
                "block_1": {"kind": "sngan_discriminator_block", "channels": 4},
                "fc": {"kind": "sngan_logit_head"},
            },
        },
    },
    "biggan": {
        "generator": {
            "latent_dim": 4,
            "mapping": {"kind": "class_latent", "num_classes": 3, "dim": 3},
            "blocks": {
                "fc": {"kind": "biggan_grid", "channels": 8},
                "block_0": {"kind": "biggan_block", "channels": 8, "upsample": True},
                "attention": {"kind": "self_attention"},
                "conv_img": {"kind": "biggan_image_head"},
            },
        },
    },
}
CONCATENATE, FILM, PROJECTION = {"kind": "concatenate", "dim": 2}, {"kind": "film"}, {"kind": "projection"}
#: Network, player, and labels that can be added to it.
LABELS = [
    ("sngan", "generator", [("latent", CONCATENATE), ("image", FILM), ("fc", CONCATENATE)]),
    (
        "sngan",
        "discriminator",
        [("image", CONCATENATE), ("block_0", CONCATENATE), ("block_1", FILM), ("latent", PROJECTION)],
    ),
    ("biggan", "generator", [("latent", CONCATENATE), ("latent", FILM), ("fc", CONCATENATE), ("attention", FILM)]),
]


@pytest.mark.parametrize(
    ("name", "player", "labels"), LABELS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_label_that_is_added_changes_nothing_at_first(
    name: str,
    player: str,
    labels: list[tuple[str, dict[str, Any]]],
    planned: Callable[..., Plan],
    helpers: Any,
    built: Any,
) -> None:
    depths = [
        {"kind": place} if place in ("latent", "image") else {"kind": "after", "block": place} for place, _ in labels
    ]
    label = [{"where": where, "how": how} for where, (_, how) in zip(depths, labels, strict=True)]
    networks = NETWORKS[name]
    index = ("generator", "discriminator").index(player)
    plain = built(planned(8, **networks))[index]
    target = built(planned(8, **{**networks, player: {**networks[player], "label": label}}))[index]
    report = load_strict(player, target, plain.state_dict(), LoadRules())
    assert all(name.startswith("label_") or ".extra" in name for name in report.fresh)
    assert len(report.widened) == sum(how is CONCATENATE for _, how in labels) + (name == "biggan")
    inputs = helpers.normal(3, *([4] if player == "generator" else [3, 8, 8]))
    classes = torch.tensor([0, 2, 1])
    torch.testing.assert_close(target(inputs, classes), plain(inputs, classes), rtol=1e-12, atol=1e-12)
    assert target.is_conditional


def test_statistics_can_be_left_fresh_by_a_glob_that_matches_nothing_else(
    planned: Callable[..., Plan], built: Any
) -> None:
    def plan(glob: str) -> Plan:
        generator = {**NETWORKS["sngan"]["generator"], "pretrained": {"fresh": [glob]}}
        return planned(8, generator=generator, source={"kind": "sngan_checkpoint", "path": "netG.pth"})

    generator, _ = built(plan("*.running_*"))
    weights = {name: torch.full_like(value, 7) for name, value in generator.state_dict().items()}
    report = load_strict("generator", generator, weights, LoadRules(fresh=("*.running_*",)))
    after = generator.state_dict()
    assert len(report.fresh) == 6 and all(".running_" in name for name in report.fresh)
    assert {float(after[name].mean()) for name in report.fresh} == {0, 1}
    assert {float(after[name].mean()) for name in report.loaded} == {7}
    with pytest.raises(RecipeError) as caught:
        plan("*.moving_*")
    assert str(caught.value) == (
        "generator.pretrained.fresh[0]: '*.moving_*' matches no parameter of the generator; "
        "its parameters are: fc.*, block_0.*, conv_img.*."
    )
