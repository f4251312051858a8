"""Samplers turn labels into probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ganforge.data.samplers import Balanced, ClassWeights, Epochs, Natural, SquareRoot, fault_of, image_probabilities
from ganforge.errors import PluginError
from ganforge.interfaces import SamplerSpec

labels = st.lists(st.integers(0, 4), min_size=1, max_size=30)


def of_classes(weights: list[float], labels: list[int]) -> dict[int, float]:
    return {k: sum(w for w, label in zip(weights, labels, strict=True) if label == k) for k in set(labels)}


@pytest.mark.parametrize(
    "sampler", [Natural(), Epochs(), Balanced(), SquareRoot(), ClassWeights(weights=(1, 2, 3, 4, 5))]
)
@given(labels)
def test_probabilities_sum_to_one_and_are_equal_within_a_class(sampler: Natural, labels: list[int]) -> None:
    weights = sampler.weights(labels, 5)
    assert sum(weights) == pytest.approx(1) and len(weights) == len(labels)
    assert all(len({w for w, label in zip(weights, labels, strict=True) if label == k}) == 1 for k in set(labels))


@given(labels)
def test_class_totals_are_as_named(labels: list[int]) -> None:
    present = set(labels)
    counts = {k: labels.count(k) for k in present}
    roots = sum(count**0.5 for count in counts.values())
    for k in present:
        assert Epochs().weights(labels, 5) == Natural().weights(labels, 5)
        assert of_classes(Natural().weights(labels, 5), labels)[k] == pytest.approx(counts[k] / len(labels))
        assert of_classes(Balanced().weights(labels, 5), labels)[k] == pytest.approx(1 / len(present))
        assert of_classes(SquareRoot().weights(labels, 5), labels)[k] == pytest.approx(counts[k] ** 0.5 / roots)


def test_the_weights_of_the_paper_nearly_balance_eyepacs() -> None:
    counts = [25_810, 2_443, 5_292, 873, 708]
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    totals = of_classes(ClassWeights(weights=(0.1, 1, 0.5, 3, 4)).weights(labels, 5), labels)
    in_images = [totals[k] * sum(w * c for w, c in zip((0.1, 1, 0.5, 3, 4), counts, strict=True)) for k in range(5)]
    assert in_images == pytest.approx([2581, 2443, 2646, 2619, 2832])


def test_a_wrong_number_of_weights_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValueError, match=r"^class_weights has 2 weights, but the data has 5 classes\.$"):
        ClassWeights(weights=(1, 2)).weights([0], 5)


def test_what_can_not_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^every image has weight 0, so that none can be drawn\.$"):
        ClassWeights(weights=(0, 1)).weights([0, 0], 2)
    with pytest.raises(ValueError, match=r"^there are no images to draw from\.$"):
        Balanced().weights([], 2)
    with pytest.raises(ValueError, match=r"^label 2 is none of the 2 classes \(0 to 1\)\.$"):
        Natural().weights([0, 2], 2)


@pytest.mark.parametrize("scale", [1.0, 1e308, 5e-324])
def test_weights_of_any_size_are_scaled(scale: float) -> None:
    assert ClassWeights(weights=(scale, scale, 0)).weights([0, 0, 1, 2], 3) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


@pytest.mark.parametrize(
    ("found", "by_epoch", "fault"),
    [
        ([0.5, 0.5], False, "gives 2 probabilities for 3 images."),
        ([0.0, 0.0, 0.0], False, "gives probabilities that sum to 0, not to 1."),
        ([1.0, 0.5, 0.5], False, "gives probabilities that sum to 2, not to 1."),
        ([1.0, float("nan"), 0.0], False, "gives nan, which is no probability."),
        ([1.0, float("inf"), 0.0], False, "gives inf, which is no probability."),
        ([1.5, -0.5, 0.0], False, "gives -0.5, which is no probability."),
        (None, False, "gives None, not a list of numbers."),
        ([0.5, 0.5, 0.0], True, "draws each image once in each epoch, but says that some are drawn more often than "
         "others."),
    ],
)  # fmt: skip
def test_a_sampler_that_gives_no_probabilities_is_named(found: Any, by_epoch: bool, fault: str) -> None:
    class Odd(SamplerSpec):
        kind: Literal["odd"] = "odd"

        def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
            return found

    Odd.by_epoch = by_epoch
    with pytest.raises(PluginError) as caught:
        image_probabilities(Odd(), [0, 1, 1], 2)
    assert str(caught.value) == f"sampler 'odd' {fault}"


def test_probabilities_of_any_kind_of_number_are_taken() -> None:
    assert fault_of(np.full(3, 1 / 3, np.float32), 3, by_epoch=True) == ""
    assert image_probabilities(Natural(), [0, 1, 1], 2) == [1 / 3] * 3


@pytest.mark.parametrize("weights", [[], [-1.0], [float("nan")], [float("inf")]])
def test_weights_are_numbers_from_zero(weights: list[float]) -> None:
    with pytest.raises(ValidationError):
        ClassWeights.model_validate({"weights": weights})


def test_a_spec_survives_dump_and_validate() -> None:
    spec = ClassWeights(weights=(0.1, 1, 0.5, 3, 4))
    assert ClassWeights.model_validate(spec.model_dump()) == spec
    assert spec.model_dump() == {"kind": "class_weights", "weights": (0.1, 1, 0.5, 3, 4)}
