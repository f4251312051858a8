"""What a pretrained network sees joins a trained discriminator without an effect at step 0, at any of its depths."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from cases import networks, planned, randomise, recipe_data
from torch import Tensor, nn
from trainings import tensors, trainer

from ganforge.errors import RecipeError
from ganforge.networks.features import PretrainedFeatures
from ganforge.recipe.models import LoadRules
from ganforge.testing.tensors import normal
from ganforge.weights.load import load_strict


def with_features(at: list[dict[str, Any]], discriminator: str = "gp_gan") -> dict[str, Any]:
    data = recipe_data(discriminator=discriminator)
    data["discriminator"]["features"] = {"network": {"kind": "stub_edges"}, "at": at}
    return data


@pytest.mark.parametrize(
    ("discriminator", "depth", "joins"),
    [
        ("gp_gan", {"kind": "after", "block": "resnet_0_0"}, "resnet_1_0"),
        ("gp_gan", {"kind": "at_resolution", "pixels": 4}, "resnet_1_0"),
        ("third_party", {"kind": "after", "block": "pool_0"}, "gate_0"),
    ],
)
def test_features_join_the_next_block_and_change_nothing_at_first(
    discriminator: str, depth: dict[str, Any], joins: str
) -> None:
    _, source = networks(planned(recipe_data(discriminator=discriminator)), double=True)
    randomise(source)
    _, target = networks(planned(with_features([depth], discriminator)), double=True)
    report = load_strict("discriminator", target, source.state_dict(), LoadRules())
    assert report.fresh and all(key.startswith(f"{joins}.extra_") for key in report.fresh)
    images = normal(3, 3, 8, 8)
    torch.testing.assert_close(target(images), source(images), rtol=1e-12, atol=1e-12)
    randomise(target)
    assert not torch.allclose(target(images), target(images, seen=target.see(images.flip(3))))


class Moving(nn.Module):
    """A network that would follow what it sees, were it not in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        return (self.norm(images),)


def test_the_pretrained_network_never_moves_and_gets_no_gradient() -> None:
    network = Moving()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    features = PretrainedFeatures(lambda: network, {2: 0})
    images = normal(4, 3, 8, 8).requires_grad_()
    features(images)[2].sum().backward()
    assert images.grad is not None
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(value.to(before[name].dtype), before[name]) for name, value in network.state_dict().items())


def test_the_pretrained_network_is_no_part_of_the_checkpoint(tmp_path: Any) -> None:
    training = trainer(with_features([{"kind": "at_resolution", "pixels": 4}]), tmp_path)
    names = set(tensors(training))
    plain = set(tensors(trainer(recipe_data(), tmp_path / "plain")))
    assert names - plain == {"discriminator.resnet_1_0.extra_0.weight"}
    training.fit()
    assert bool(tensors(training)["discriminator.resnet_1_0.extra_0.weight"].any())


def test_a_copied_discriminator_sees_the_same() -> None:
    _, network = networks(planned(with_features([{"kind": "at_resolution", "pixels": 4}])), double=True)
    images = normal(2, 3, 8, 8)
    (seen,) = network.see(images).values()
    (again,) = copy.deepcopy(network).see(images).values()
    assert seen.shape == (2, 2, 4, 4) and torch.equal(seen, again)


@pytest.mark.parametrize(
    ("at", "messages"),
    [
        (
            [{"kind": "image"}],
            ["discriminator.features.at[0]: 'conv_img' gets features of 8x8, but 'stub_edges' gives: 4x4, 2x2."],
        ),
        (
            [{"kind": "at_resolution", "pixels": 4}, {"kind": "after", "block": "pool_0"}],
            ["discriminator.features.at[1]: what 'stub_edges' sees stands twice at the same place."],
        ),
        (
            [{"kind": "latent"}, {"kind": "after", "block": "resnet_9"}],
            [
                "discriminator.features.at[0]: what 'stub_edges' sees behind 'resnet_1_0' needs a block whose input it "
                "can join, but the next block, 'fc', can't take more channels. Blocks that can: conv_img, resnet_0_0, "
                "resnet_1_0.",
                "discriminator.features.at[1]: the discriminator has no block 'resnet_9'. Did you mean 'resnet_1_0'? "
                "Its blocks: conv_img, resnet_0_0, pool_0, resnet_1_0, fc.",
            ],
        ),
    ],
)
def test_features_without_a_place_are_refused(at: list[dict[str, Any]], messages: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        planned(with_features(at))
    assert [str(problem) for problem in caught.value.problems] == messages
