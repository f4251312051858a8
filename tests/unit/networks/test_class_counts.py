"""A block with classes of its own has enough of them for the data, or one for all labels alike."""

from __future__ import annotations

from typing import Any

import pytest
from cases import components, networks, recipe_data

from ganforge.errors import RecipeError
from ganforge.plan.plan import Plan
from ganforge.plan.walk import walk
from ganforge.recipe.models import Recipe

GRADES = ("0", "1", "2")


def planned(num_classes: int, num_logits: int) -> Plan:
    """Networks that are conditional by birth, for data of three classes."""
    data: dict[str, Any] = recipe_data()
    embedding = {"kind": "class_embedding", "num_classes": num_classes, "dim": 2}
    data["generator"]["blocks"] = {"embedding": embedding, **data["generator"]["blocks"]}
    data["discriminator"]["blocks"]["fc"] = {"kind": "logit_head", "num_logits": num_logits}
    return walk(Recipe.model_validate(data, context={"components": components()}), GRADES)


def test_too_few_classes_are_refused() -> None:
    with pytest.raises(RecipeError) as caught:
        planned(num_classes=2, num_logits=2)
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        (("generator", "blocks", "embedding", "num_classes"), "is 2, but the data has 3 classes."),
        (("discriminator", "blocks", "fc", "num_logits"), "is 2, but the data has 3 classes."),
    ]


@pytest.mark.parametrize(("number", "expected"), [(1, False), (3, True), (1000, True)])
def test_a_network_reads_the_label_if_it_has_more_classes_than_one(number: int, expected: bool) -> None:
    plan = planned(number, number)
    for network, of_plan in zip(networks(plan), (plan.generator, plan.discriminator), strict=True):
        assert network.is_conditional == of_plan.is_conditional == expected
