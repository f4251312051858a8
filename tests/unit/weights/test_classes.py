"""A source with another number of classes gives each of ours its rows by the recipe's rule."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import images, networks, planned, randomise, recipe_data
from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.listener import Listener
from ganforge.networks.staged import Discriminator, Generator
from ganforge.recipe.models import ClassRule, LoadRules
from ganforge.runs.rundir import RunDir
from ganforge.start import fetch_source, load_pretrained
from ganforge.weights.classes import class_parameters, nearest_classes
from ganforge.weights.folder import save_folder
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import PretrainedWeights, Provenance

NUM_SOURCE = 7


def born_conditional(num_classes: int) -> tuple[Generator, Discriminator]:
    """As the published GP-GANs: an embedding beside the latent, a logit for each class."""
    data = recipe_data()
    embedding: dict[str, Any] = {"kind": "class_embedding", "num_classes": num_classes, "dim": 3}
    data["generator"]["blocks"] = {"embedding": embedding, **data["generator"]["blocks"]}
    data["discriminator"]["blocks"]["fc"] = {"kind": "logit_head", "num_logits": num_classes}
    return networks(planned(data))


def source() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    pair = born_conditional(NUM_SOURCE)
    for seed, network in enumerate(pair):
        randomise(network, seed)
    generator, discriminator = (dict(network.state_dict()) for network in pair)
    return generator, discriminator


def test_the_parameters_by_class_are_found() -> None:
    generator, discriminator = born_conditional(2)
    assert class_parameters(generator) == ["embedding.weight"]
    assert class_parameters(discriminator) == ["fc.weight", "fc.bias"]


@pytest.mark.parametrize("num_classes", [1, 2])
def test_mean_gives_every_class_the_mean(num_classes: int) -> None:
    for name, network, weights in zip(
        ("generator", "discriminator"), born_conditional(num_classes), source(), strict=True
    ):
        report = load_strict(name, network, weights, LoadRules(classes="mean"))
        assert report.fresh == report.dropped == ()
        for key in class_parameters(network):
            expected = weights[key].mean(dim=0).expand(num_classes, *weights[key].shape[1:])
            torch.testing.assert_close(network.state_dict()[key], expected)
        assert report.classes == tuple(
            f"{key}: 7 classes in the source; each the mean of all" for key in class_parameters(network)
        )
        others = set(weights) - set(class_parameters(network))
        assert all(torch.equal(network.state_dict()[key], weights[key]) for key in others)


def test_drop_leaves_the_initial_values() -> None:
    generator, _ = born_conditional(2)
    before = generator.embedding.weight.clone()
    report = load_strict("generator", generator, source()[0], LoadRules(classes="drop"))
    assert torch.equal(generator.embedding.weight, before)
    assert report.classes == ("embedding.weight: 7 classes in the source; fresh",)
    assert report.fresh == ("embedding.weight",) == report.dropped


def test_classes_can_be_chosen_by_number() -> None:
    generator, discriminator = born_conditional(2)
    weights = source()
    load_strict("generator", generator, weights[0], LoadRules(classes=(5, 0)))
    report = load_strict("discriminator", discriminator, weights[1], LoadRules(classes=(5, 0)))
    assert torch.equal(generator.embedding.weight, weights[0]["embedding.weight"][[5, 0]])
    assert torch.equal(discriminator.fc.bias, weights[1]["fc.bias"][[5, 0]])
    assert report.classes[0] == "fc.weight: 7 classes in the source; chosen: 5, 0"


def test_chosen_classes_answer_as_they_do_in_the_source() -> None:
    _, theirs = born_conditional(NUM_SOURCE)
    randomise(theirs, seed=1)
    _, ours = born_conditional(2)
    load_strict("discriminator", ours, theirs.state_dict(), LoadRules(classes=(5, 0)))
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(ours(x, torch.tensor([0, 1])), theirs(x, torch.tensor([5, 0])))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (None, r"`generator.pretrained.classes` may be mean, nearest, drop, or a list"),
        ((1,), "names 1 classes of the source, but embedding.weight has 2 rows"),
        ((1, 7), r"the source has 7 classes, 0 to 6; it lacks 7\."),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_changed(rule: ClassRule | None, message: str) -> None:
    generator, _ = born_conditional(2)
    before = copy.deepcopy(generator.state_dict())
    with pytest.raises(CheckpointError, match=message):
        load_strict("generator", generator, source()[0], LoadRules(classes=rule))
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())


def test_chosen_classes_may_be_an_order_of_as_many() -> None:
    generator, _ = born_conditional(NUM_SOURCE)
    weights = source()[0]
    load_strict("generator", generator, weights, LoadRules(classes=(6, 5, 4, 3, 2, 1, 0)))
    assert torch.equal(generator.embedding.weight, weights["embedding.weight"].flip(0))


def test_as_many_classes_are_loaded_as_they_are() -> None:
    generator, _ = born_conditional(NUM_SOURCE)
    weights = source()[0]
    assert load_strict("generator", generator, weights, LoadRules(classes="mean")).classes == ()
    assert torch.equal(generator.embedding.weight, weights["embedding.weight"])


def test_a_rule_with_nothing_to_apply_to_is_refused() -> None:
    generator, _ = networks(planned(recipe_data()))
    with pytest.raises(CheckpointError, match=r"`generator.pretrained.classes` applies to nothing"):
        load_strict("generator", generator, generator.state_dict(), LoadRules(classes="mean"))


def test_what_is_fresh_anyway_is_not_fitted() -> None:
    _, discriminator = born_conditional(2)
    report = load_strict("discriminator", discriminator, source()[1], LoadRules(fresh=("fc.weight",), classes="mean"))
    assert report.classes == ("fc.bias: 7 classes in the source; each the mean of all",)
    assert report.fresh == ("fc.weight",)


@pytest.mark.parametrize("num_classes", [1, 2])
def test_the_nearest_class_has_the_largest_mean_logit(num_classes: int) -> None:
    _, theirs = born_conditional(NUM_SOURCE)
    randomise(theirs, seed=1)
    _, ours = born_conditional(num_classes)
    load_strict("discriminator", ours, theirs.state_dict(), LoadRules(classes="mean"))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
    labels = np.arange(40) % 2
    pixels[labels == 1] //= 8
    found = nearest_classes(ours, theirs.state_dict(), pixels, labels, num_classes)
    x = torch.from_numpy(pixels).float() / 127.5 - 1
    with torch.no_grad():
        logits = torch.stack([theirs(x, torch.full((40,), k)) for k in range(NUM_SOURCE)], dim=1)
    groups = [labels == k for k in range(2)] if num_classes == 2 else [labels >= 0]
    assert found == tuple(int(logits[torch.from_numpy(group)].mean(dim=0).argmax()) for group in groups)


def test_nearest_goes_through_a_run_whose_networks_differ_in_their_rows(tmp_path: Path) -> None:
    """One logit and a projection in the discriminator, two classes in the generator."""
    data = recipe_data()
    embedding: dict[str, Any] = {"kind": "class_embedding", "num_classes": 2, "dim": 3}
    data["generator"]["blocks"] = {"embedding": embedding, **data["generator"]["blocks"]}
    data["discriminator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "projection"}}]
    for name in ("generator", "discriminator"):
        data[name]["pretrained"] = {"classes": "nearest"}
    theirs = PretrainedWeights(*source(), Provenance("theirs", "here", "0", "CC0"))
    save_folder(tmp_path / "theirs", theirs)
    data["source"] = {"kind": "weights_folder", "path": str(tmp_path / "theirs")}
    plan = planned(data)
    generator, discriminator = networks(plan)
    run = RunDir(tmp_path)
    pretrained = fetch_source(plan, Listener())
    assert pretrained is not None
    load_pretrained(plan, pretrained, generator, discriminator, images(), run, Listener())
    assert theirs.generator is not None and theirs.discriminator is not None
    report = json.loads((tmp_path / "load.json").read_text())
    assert [len(network["classes"]) for network in report] == [1, 2]
    rows = [int(row) for row in report[0]["classes"][0].rpartition(": ")[2].split(", ")]
    assert torch.equal(generator.embedding.weight, theirs.generator["embedding.weight"][rows])
    (row,) = [int(row) for row in report[1]["classes"][0].rpartition(": ")[2].split(", ")]
    assert torch.equal(discriminator.fc.weight, theirs.discriminator["fc.weight"][[row]])


def test_a_class_without_images_gets_the_nearest_of_all() -> None:
    _, theirs = born_conditional(NUM_SOURCE)
    randomise(theirs, seed=1)
    data = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)
    labels = np.zeros(6, dtype=np.int64)
    first, second = nearest_classes(theirs, theirs.state_dict(), data, labels, 2)
    assert first == second


def test_nearest_needs_a_discriminator_with_classes() -> None:
    _, ours = born_conditional(1)
    pixels = np.zeros((2, 3, 8, 8), dtype=np.uint8)
    with pytest.raises(CheckpointError, match="needs a discriminator of the source with a logit for each"):
        nearest_classes(ours, ours.state_dict(), pixels, np.zeros(2, dtype=np.int64), 1)


def test_with_one_class_the_label_is_not_read() -> None:
    generator, _ = born_conditional(1)
    randomise(generator, seed=0)
    z = torch.randn(2, 4)
    assert not generator.is_conditional
    assert torch.equal(generator(z, torch.tensor([0, 1])), generator(z, None))


@pytest.mark.parametrize("rule", ["mean", "drop", (0, 0)])
@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.float8_e4m3fn, torch.complex64])
def test_rows_that_are_no_plain_numbers_are_refused(rule: ClassRule, dtype: torch.dtype) -> None:
    generator, _ = born_conditional(2)
    weights = source()[0]
    weights["embedding.weight"] = weights["embedding.weight"].to(dtype)
    with pytest.raises(CheckpointError) as caught:
        load_strict("generator", generator, weights, LoadRules(classes=rule))
    assert str(caught.value) == (
        "generator: these are no plain floating-point tensors in the source: embedding.weight."
    )


def test_a_bias_without_rows_does_not_fit() -> None:
    _, discriminator = born_conditional(2)
    weights = {**source()[1], "fc.bias": torch.tensor(1.0)}
    with pytest.raises(CheckpointError, match=r"fc.bias: the source has \(\), the network \(2,\)"):
        load_strict("discriminator", discriminator, weights, LoadRules(classes="mean"))
