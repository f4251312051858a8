"""Strict loading: every tensor is loaded, fresh by permission or dropped by permission."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cases import PROPERTY, networks, planned, randomise, recipe_data
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ganforge.errors import CheckpointError, RecipeError
from ganforge.networks.staged import Generator
from ganforge.recipe.models import LoadRules
from ganforge.weights.load import load_strict


def generator(name: str = "gp_gan", **changes: Any) -> Generator:
    data = recipe_data(generator=name)
    data["generator"] |= changes
    return networks(planned(data))[0]


def source(name: str = "gp_gan") -> dict[str, Tensor]:
    network = generator(name)
    randomise(network, seed=3)
    return dict(network.state_dict())


@PROPERTY
@given(st.sets(st.sampled_from(sorted(source()))), st.sets(st.sampled_from(sorted(source()))))
def test_every_tensor_is_accounted_for_once(missing: set[str], fresh: set[str]) -> None:
    network, weights = generator(), source()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    given_weights = {key: value for key, value in weights.items() if key not in missing}
    extra = {"embedding.weight": torch.ones(2)}
    rules = LoadRules(fresh=tuple(missing | fresh), drop=("embedding.*",))
    report = load_strict("generator", network, given_weights | extra, rules)
    after = network.state_dict()
    assert set(report.loaded) | set(report.fresh) == set(after)
    assert not set(report.loaded) & set(report.fresh)
    assert set(report.loaded) | set(report.dropped) == set(given_weights) | set(extra)
    assert set(report.fresh) == missing | fresh
    for key in after:
        torch.testing.assert_close(after[key], before[key] if key in report.fresh else weights[key])


def test_all_that_does_not_fit_is_told_at_once_and_nothing_is_changed() -> None:
    network, weights = generator(), source()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    del weights["conv_img.bias"]
    weights["fc.weight"] = torch.zeros(7, 4)
    weights["embedding.weight"] = torch.zeros(1)
    with pytest.raises(CheckpointError) as caught:
        load_strict("generator", network, weights, LoadRules())
    assert str(caught.value) == (
        "the weights don't fit the generator:\n"
        "  1 tensors are missing from the source: conv_img.*. "
        "Let them keep their initial values with `generator.pretrained.fresh`.\n"
        "  1 tensors of the source have no place in the network: embedding.*. "
        "Leave them out with `generator.pretrained.drop`.\n"
        "  fc.weight: the source has (7, 4), the network (64, 4). "
        "Change the block, or name it under `generator.pretrained.fresh`."
    )
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_a_drop_rule_without_effect_is_refused() -> None:
    with pytest.raises(CheckpointError) as caught:
        load_strict("generator", generator(), source(), LoadRules(drop=("small_*", "embedding.*")))
    assert str(caught.value) == (
        "`generator.pretrained.drop`: 'small_*', 'embedding.*' match no tensor of the source; "
        "it has: fc.*, resnet_0_0.*, resnet_1_0.*, conv_img.*."
    )


def test_a_fresh_rule_without_effect_is_refused_by_the_walk() -> None:
    data = recipe_data()
    data["source"] = {"kind": "stub_ones"}
    data["generator"]["pretrained"] = {"fresh": ["small_*"]}
    with pytest.raises(RecipeError) as caught:
        planned(data)
    assert [str(problem) for problem in caught.value.problems] == [
        "generator.pretrained.fresh[0]: 'small_*' matches no parameter of the generator; "
        "its parameters are: fc.*, resnet_0_0.*, resnet_1_0.*, conv_img.*."
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_refused_before_anything_is_loaded(value: float) -> None:
    network, weights = generator(), source()
    before = network.state_dict()["fc.weight"].clone()
    weights["resnet_0_0.conv_1.bias"][0] = value
    with pytest.raises(CheckpointError) as caught:
        load_strict("generator", network, weights, LoadRules())
    assert str(caught.value) == ("generator: the source holds numbers that are not finite in resnet_0_0.conv_1.bias.")
    assert torch.equal(network.state_dict()["fc.weight"], before)


def test_the_report_names_what_was_widened_and_by_how_much() -> None:
    label = [
        {"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 3}},
        {"where": {"kind": "after", "block": "fc"}, "how": {"kind": "concatenate", "dim": 2}},
        {"where": {"kind": "after", "block": "up_0"}, "how": {"kind": "concatenate_map"}},
    ]
    report = load_strict("generator", generator("transfer", label=label), source("transfer"), LoadRules())
    assert set(report.widened) == {
        ("fc.weight", 3, "fc.extra.weight"),
        ("mapping.fc_0.weight", 3, "mapping.fc_0.extra.weight"),
        ("style_0.conv_0.weight", 2, "style_0.extra_0.weight"),  # a transposed convolution: its input stands first
        ("resnet_0_0.conv_0.weight", 1, "resnet_0_0.extra_0.weight"),
    }
    assert set(report.fresh) == {name for _, _, name in report.widened} | {
        "label_fc_concatenate.embedding.weight",
        "label_style_0_concatenate.embedding.weight",
        "label_resnet_0_0_concatenate_map.embedding.weight",
    }
    assert report.summary() == "generator: 32 tensors loaded (4 of them widened), 7 fresh, 0 dropped"


def test_a_plain_source_loads_into_an_adapted_network_and_computes_the_same() -> None:
    plain = generator("gp_gan").double()
    randomise(plain)
    adapted = generator("gp_gan", adafm=["resnet_*"]).double()
    report = load_strict("generator", adapted, plain.state_dict(), LoadRules())
    assert len(report.fresh) == 2 * 2 * 2
    z = torch.randn(3, 4, dtype=torch.float64)
    assert torch.equal(adapted(z), plain(z))


def test_labels_and_adafm_of_a_source_are_not_lost_silently() -> None:
    adapted = generator("gp_gan", adafm=["resnet_0_0"])
    with pytest.raises(
        CheckpointError, match=r"4 tensors of the source have no place in the network: resnet_0_0\.\*\."
    ):
        load_strict("generator", generator(), adapted.state_dict(), LoadRules())
