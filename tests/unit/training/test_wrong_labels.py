"""Real images with a wrong label are to be taken for generated ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from cases import PROPERTY, planned, recipe_data
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from trainings import tensors, trainer

from ganforge.errors import RecipeError
from ganforge.training.routes import Case, Judgement, Route
from ganforge.training.step import wrong_label_weights


def with_wrong_labels(weight: float, every: int = 2) -> dict[str, Any]:
    data = recipe_data()
    data["generator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}}]
    data["discriminator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "projection"}}]
    data["training"]["wrong_labels"] = weight
    data["training"]["regularisers"][0]["every"] = every
    return data


class Watched(Route):
    """Remembers the cases that another route judges."""

    def __init__(self, route: Route) -> None:
        self.route, self.cases = route, list[Case]()

    def judge(self, *cases: Case) -> list[Judgement]:
        self.cases += cases
        return self.route.judge(*cases)


@pytest.mark.parametrize("every", [1, 1000])
def test_each_real_image_is_judged_once_more_with_another_label(tmp_path: Path, every: int) -> None:
    training = trainer(with_wrong_labels(0.5, every), tmp_path)
    watched = Watched(training.train_step.route)
    training.train_step.route = watched
    if every > 1:
        training.step = 1  # no penalty is due, so that all are judged in one pass
    metrics = training._one_step()
    fake, real, wrong = watched.cases
    assert (fake.on, real.on, wrong.on) == ("fake", "real", "wrong_label")
    assert torch.equal(wrong.images, real.images)
    assert not bool((wrong.labels == real.labels).any())
    assert "logit_wrong_label" in metrics
    logits = torch.tensor([-1.0, 2.0, 0.5])
    weights = 0.5 * wrong_label_weights(training.train_step.class_probabilities)[wrong.labels]
    torch.testing.assert_close(wrong.loss(logits), weights.float() * fake.loss(logits))


@PROPERTY
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(0, 5))
def test_in_each_class_wrong_labels_weigh_what_real_images_of_it_do(shares: list[float], lacking: int) -> None:
    shares += [0.0] if lacking == 0 else []  # a class that is never drawn
    probabilities = torch.tensor(shares, dtype=torch.float64) / sum(shares)
    weights = wrong_label_weights(probabilities)
    for label, weight in enumerate(weights):
        others = (probability for other, probability in enumerate(probabilities) if other != label)
        drawn = sum(others) / (len(shares) - 1)
        assert float(drawn * weight) == pytest.approx(float(probabilities[label]))


def test_a_class_that_is_always_drawn_has_no_wrong_images() -> None:
    assert wrong_label_weights(torch.tensor([1.0, 0.0])).tolist() == [0.0, 0.0]
    assert wrong_label_weights(torch.full((4,), 0.25)).tolist() == [1.0] * 4


def test_every_other_label_is_drawn(tmp_path: Path) -> None:
    def draw(samples: range) -> Tensor:
        data = with_wrong_labels(1.0)
        step = trainer(data, tmp_path).train_step
        step.class_probabilities = torch.full((4,), 0.25)
        step._wrong_weights = torch.ones(4)
        images = torch.zeros(len(samples), 3, 8, 8)
        real = Case("real", images, torch.full((len(samples),), 2), step.loss.discriminator_real)
        (case,) = step._with_wrong_labels(real, samples)
        return case.labels

    counts = torch.bincount(draw(range(300)), minlength=4).tolist()
    assert counts[2] == 0
    assert all(60 < count < 140 for label, count in enumerate(counts) if label != 2)


def test_without_a_weight_nothing_changes(tmp_path: Path) -> None:
    plain, zero = with_wrong_labels(0.0), with_wrong_labels(0.0)
    del plain["training"]["wrong_labels"]
    ends = []
    for name, data in (("plain", plain), ("zero", zero), ("some", with_wrong_labels(0.5))):
        training = trainer(data, tmp_path / name)
        training.fit()
        ends.append(tensors(training))
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])
    assert not all(torch.equal(ends[0][key], ends[2][key]) for key in ends[0])


def test_a_weight_without_effect_is_refused() -> None:
    data = with_wrong_labels(0.5)
    data["discriminator"]["label"] = []
    with pytest.raises(RecipeError) as caught:
        planned(data)
    assert [str(problem) for problem in caught.value.problems] == [
        "training.wrong_labels: would have no effect: the discriminator reads no label."
    ]
