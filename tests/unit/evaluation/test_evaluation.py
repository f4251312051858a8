"""Which images an evaluation generates for the evaluators."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from cases import components, images, networks, planned, recipe_data

from ganforge.data.images import LabelledImages
from ganforge.evaluation.evaluation import Evaluation, reported
from ganforge.evaluation.measure import Reference
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.recipe.models import BestSpec


@pytest.fixture
def seen() -> list[LabelledImages]:
    return []


@pytest.fixture
def evaluation(seen: list[LabelledImages]) -> Evaluation:
    """Of two sets of 12 images beside 10 real ones: 9 of class 0, 1 of class 1, none of class 2; fills `seen`."""

    class Sees(EvaluatorSpec):
        """Keeps what it is given."""

        kind: Literal["sees"] = "sees"

        def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
            seen.append(fake)
            return [Score("sees", 0.0, len(real), len(fake))]

    recipe = planned(recipe_data("style")).recipe
    changed = {"images": 12, "seeds": 2, "evaluators": (Sees(),), "best": BestSpec(by="sees", every=1)}
    recipe = recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update=changed)})
    real = images(10, num_classes=3)
    real.labels[:] = [0] * 9 + [1]
    return Evaluation(recipe, Reference(real, ""), Listener(), components())


@pytest.fixture
def generator() -> Generator:
    return networks(planned(recipe_data("style")))[0]


def test_the_images_by_which_a_checkpoint_is_chosen_are_not_those_of_its_scores(
    evaluation: Evaluation, generator: Generator, seen: list[LabelledImages]
) -> None:
    evaluation.deciding_score(generator)
    evaluation.scores(generator)
    chosen_by, *scored = (np.asarray(fake.images).tobytes() for fake in seen)
    assert len(scored) == 2 and len({chosen_by, *scored}) == 3


@pytest.mark.parametrize(("is_equal", "counts"), [(False, [11, 1, 0]), (True, [6, 6, 0])])
def test_classes_come_as_in_the_real_images_or_equally_often(
    is_equal: bool, counts: list[int], evaluation: Evaluation, generator: Generator, seen: list[LabelledImages]
) -> None:
    evaluators = evaluation.recipe.evaluation.evaluators
    evaluation.measured(generator, evaluators, reported(1), is_equal=is_equal)
    assert [fake.class_counts() for fake in seen] == [counts]


@pytest.mark.parametrize(("microbatch", "expected"), [(None, 4), (3, 3)])
def test_no_more_images_are_generated_at_once_than_a_training_computes(
    microbatch: int | None, expected: int, evaluation: Evaluation, generator: Generator
) -> None:
    training = evaluation.recipe.training.model_copy(update={"batch": 4, "microbatch": microbatch})
    evaluation.recipe = evaluation.recipe.model_copy(update={"training": training})
    sizes = []
    generator.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    evaluation.deciding_score(generator)
    assert max(sizes) == expected
