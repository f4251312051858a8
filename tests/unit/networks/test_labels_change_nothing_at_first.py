"""A label that is added to a trained network changes nothing at step 0, wherever and however it enters."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cases import DISCRIMINATORS, GENERATORS, networks, planned, randomise, recipe_data
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.errors import RecipeError
from ganforge.networks.staged import StagedNetwork
from ganforge.plan.build import build_network
from ganforge.plan.plan import Plan
from ganforge.recipe.models import LoadRules
from ganforge.weights.load import load_strict

KINDS: dict[str, dict[str, Any]] = {
    "concatenate": {"kind": "concatenate", "dim": 2},
    "concatenate_map": {"kind": "concatenate_map"},
    "add": {"kind": "add"},
    "film": {"kind": "film"},
    "projection": {"kind": "projection"},
}
#: Blocks of cases.py whose input a label map can join, and those that it may pass on its way there.
WIDENS = {"latent_to_grid", "residual", "style", "image_stem", "stub_gate"}
#: Blocks that take away what is the same at all pixels of a channel, and with it an offset per class.
NORMALISING = {"statistics_affine"}
PARAMETER_FREE = {"pixel_norm", "upsample", "average_pool"}
NETWORKS = [("generator", name) for name in GENERATORS] + [("discriminator", name) for name in DISCRIMINATORS]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def output(network: nn.Module, name: str, labels: Tensor) -> Tensor:
    if name == "discriminator":
        return network(normal(3, 3, 8, 8), labels)
    noise = normal(3, 1, 16, 16, seed=1)
    return network(normal(3, 4), labels, Context(noise=lambda height, width: noise[:, :, :height, :width]))


def expected_problem(network: str, blocks: dict[str, dict[str, Any]], site: int, how: str) -> str | None:
    """What the walk must say about this injection in front of block number `site`; None where it is allowed."""
    keys, kinds = list(blocks), [block["kind"] for block in blocks.values()]
    if how == "projection" and network == "generator":
        return "'projection' adds to the logit, which only the discriminator has."
    if how == "projection":
        is_behind = site == len(keys)
        return f"'projection' needs features, but behind '{keys[-1]}' there is only the logit." if is_behind else None
    if how in ("add", "film"):
        if site < len(keys):
            return None
        return f"'{how}' would change the output of '{keys[-1]}', the last block. Choose a site in front of it."
    place = f"behind '{keys[site - 1]}'" if site else "at the input"
    able = ", ".join(key for key, kind in zip(keys, kinds, strict=True) if kind in WIDENS)
    while site < len(keys) and kinds[site] in PARAMETER_FREE:
        site += 1
    if site < len(keys) and kinds[site] in WIDENS:
        return None
    behind = f"the next block, '{keys[site]}', can't take more channels" if site < len(keys) else "no block follows"
    return f"'{how}' {place} needs a block whose input it can join, but {behind}. Blocks that can: {able}."


def built(plan: Plan, network: str) -> StagedNetwork:
    return build_network(plan.generator if network == "generator" else plan.discriminator, seed=0).double()


def first_depth(network: str) -> dict[str, Any]:
    return {"kind": "latent" if network == "generator" else "image"}


@pytest.mark.parametrize("how", list(KINDS))
@pytest.mark.parametrize(("network", "name"), NETWORKS)
def test_each_kind_at_each_site_is_refused_or_changes_nothing(network: str, name: str, how: str) -> None:
    base = recipe_data(**{network: name})
    source = built(planned(base), network)
    randomise(source)
    blocks = base[network]["blocks"]
    labels = torch.tensor([0, 1, 1])
    plain = output(source, network, labels)
    num_allowed = 0
    for site in range(len(blocks) + 1):
        where = {"kind": "after", "block": list(blocks)[site - 1]} if site else first_depth(network)
        data = {**base, network: {**base[network], "label": [{"where": where, "how": KINDS[how]}]}}
        expected = expected_problem(network, blocks, site, how)
        if expected is not None:
            with pytest.raises(RecipeError) as caught:
                planned(data)
            assert [str(problem) for problem in caught.value.problems] == [f"{network}.label[0]: {expected}"]
            continue
        num_allowed += 1
        target = built(planned(data), network)
        report = load_strict(network, target, source.state_dict(), LoadRules())
        assert target.is_conditional
        assert all(key.startswith("label_") or ".extra" in key for key in report.fresh)
        torch.testing.assert_close(output(target, network, labels), plain, rtol=1e-12, atol=1e-12)
        randomise(target)
        is_removed = how == "add" and blocks.get(list(blocks)[min(site, len(blocks) - 1)])["kind"] in NORMALISING
        is_same = torch.allclose(output(target, network, labels), output(target, network, 1 - labels))
        assert is_same == is_removed
    assert (num_allowed == 0) == (network == "generator" and how == "projection")


@pytest.mark.parametrize(
    ("where", "network", "site"),
    [
        ({"kind": "latent"}, "generator", "norm"),
        ({"kind": "image"}, "generator", "conv_img"),
        ({"kind": "at_resolution", "pixels": 2}, "generator", "style_0"),
        ({"kind": "at_resolution", "pixels": 8}, "generator", "conv_img"),
        ({"kind": "after_frozen"}, "generator", "style_1"),
        ({"kind": "latent"}, "discriminator", "fc"),
        ({"kind": "image"}, "discriminator", "conv_img"),
        ({"kind": "at_resolution", "pixels": 4}, "discriminator", "resnet_1_0"),
        ({"kind": "after_frozen"}, "discriminator", "pool_0"),
        ({"kind": "stub_middle"}, "discriminator", "pool_0"),
    ],
)
def test_each_depth_finds_its_site(where: dict[str, Any], network: str, site: str) -> None:
    data = recipe_data(generator="style")
    data["stages"][0]["generator"] = [{"freeze": "fc.*"}, {"freeze": "style_0.*"}]
    data["stages"][0]["discriminator"] = [{"freeze": "conv_img.*"}, {"freeze": "resnet_0_0.*"}]
    data[network]["label"] = [{"where": where, "how": {"kind": "film"}}]
    plan = planned(data)
    (placed,) = (plan.generator if network == "generator" else plan.discriminator).labels
    assert placed.name == f"label_{site}_film"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            [{"where": {"kind": "after", "block": "resnet_0_1"}, "how": {"kind": "add"}}],
            "the generator has no block 'resnet_0_1'. Did you mean 'resnet_0_0'? "
            "Its blocks: fc, resnet_0_0, up_0, resnet_1_0, conv_img.",
        ),
        (
            [{"where": {"kind": "at_resolution", "pixels": 5}, "how": {"kind": "add"}}],
            "the generator has no features of 5 pixels; there are: 1, 4, 8.",
        ),
        (
            [{"where": {"kind": "after_frozen"}, "how": {"kind": "add"}}],
            "no block of the generator is frozen in every stage. Name a block instead: `{kind: after, block: fc}`.",
        ),
        ([{"where": {"kind": "latent"}, "how": {"kind": "add"}}] * 2, "'add' stands twice at the same place."),
    ],
)
def test_a_label_without_a_place_is_refused(label: list[dict[str, Any]], message: str) -> None:
    data = recipe_data()
    data["generator"]["label"] = label
    with pytest.raises(RecipeError) as caught:
        planned(data)
    assert [problem.message for problem in caught.value.problems] == [message]


def test_a_label_behind_the_pooling_leaves_the_frozen_blocks_alone() -> None:
    data = recipe_data()
    data["stages"][0]["discriminator"] = [{"freeze": "conv_img.*"}, {"freeze": "resnet_0_0.*"}]
    data["discriminator"]["label"] = [{"where": {"kind": "after_frozen"}, "how": {"kind": "concatenate_map"}}]
    plan = planned(data).discriminator
    assert [label.name for label in plan.labels] == ["label_resnet_1_0_concatenate_map"]
    assert plan.sizes["label_resnet_1_0_concatenate_map.embedding.weight"] == 2 * 4 * 4
    assert plan.sizes["resnet_1_0.extra_0.weight"] == 4 * 1 * 9


def test_two_labels_may_enter_one_block() -> None:
    data = recipe_data(generator="style")
    data["generator"]["label"] = [{"where": {"kind": "latent"}, "how": KINDS[how]} for how in ("concatenate", "film")]
    data["generator"]["label"].append({"where": {"kind": "after", "block": "norm"}, "how": {"kind": "concatenate_map"}})
    plan = planned(data)
    generator, _ = networks(plan, double=True)
    assert [(label.name, label.feeds_mapping) for label in plan.generator.labels] == [
        ("label_fc_concatenate", True),
        ("label_norm_film", False),
        ("label_fc_concatenate_map", False),
    ]
    assert generator.get_parameter("fc.extra.weight").shape == (4 * 2 * 2, 3)
    assert generator.get_parameter("mapping.fc_0.extra.weight").shape == (3, 2)
    randomise(generator)
    assert output(generator, "generator", torch.tensor([0, 1, 0])).shape == (3, 3, 8, 8)


@pytest.mark.parametrize("key", ["forward", "to", "style", "mapping", "label_fc", "is_conditional", "half"])
def test_a_block_can_not_take_the_name_of_something_else(key: str) -> None:
    data = recipe_data()
    blocks = data["generator"]["blocks"]
    data["generator"]["blocks"] = {key if name == "up_0" else name: block for name, block in blocks.items()}
    with pytest.raises(RecipeError) as caught:
        planned(data)
    assert [problem.message for problem in caught.value.problems] == [
        f"'{key}' can't be the key of a block: the name is taken."
    ]
