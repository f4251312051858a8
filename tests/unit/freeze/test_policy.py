"""Freeze rules: ordered globs, of which the last that matches decides."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from cases import PROPERTY, planned, recipe_data, stage
from hypothesis import given
from hypothesis import strategies as st

from ganforge.errors import RecipeError
from ganforge.freeze.policy import describe_names, freeze_table, resolve, unmatched
from ganforge.freeze.schedule import Schedule
from ganforge.recipe.models import FreezeRule, StageSpec
from ganforge.training.specs import ConstantRate

NAMES = (
    "fc.weight",
    "resnet_0_0.conv_0.weight",
    "resnet_0_0.adafm_0.gamma",
    "resnet_1_0.conv_0.bias",
    "mapping.fc_0.bias",
)
GLOBS = ("*", "fc.*", "resnet_*", "resnet_?_0.*", "*.adafm_*", "*.bias", "mapping.*", "nothing")
rules = st.lists(
    st.builds(
        lambda glob, is_frozen: FreezeRule(freeze=glob) if is_frozen else FreezeRule(train=glob),
        st.sampled_from(GLOBS),
        st.booleans(),
    ),
    max_size=5,
)


@PROPERTY
@given(rules)
def test_each_parameter_is_resolved_once_and_the_last_match_decides(rules: list[FreezeRule]) -> None:
    trains = resolve(rules, NAMES)
    assert tuple(trains) == NAMES
    for name, is_trained in trains.items():
        matches = [rule for rule in rules if fnmatchcase(name, rule.glob)]
        assert is_trained == (not matches or matches[-1].train is not None)


@PROPERTY
@given(rules)
def test_the_table_counts_each_tensor_once(rules: list[FreezeRule]) -> None:
    sizes = {name: index + 1 for index, name in enumerate(NAMES)}
    trains = resolve(rules, NAMES)
    table = freeze_table("generator", trains, sizes)
    assert [row.block for row in table] == ["fc", "resnet_0_0", "resnet_1_0", "mapping"]
    assert sum(row.trained_tensors for row in table) == sum(trains.values())
    assert sum(row.trained_tensors + row.frozen_tensors for row in table) == len(NAMES)
    assert sum(row.trained_parameters for row in table) == sum(sizes[name] for name in NAMES if trains[name])
    assert sum(row.trained_parameters + row.frozen_parameters for row in table) == sum(sizes.values())


def test_a_glob_is_unmatched_only_if_it_matches_nothing() -> None:
    assert unmatched(GLOBS, NAMES) == ["nothing"]


def test_names_are_described_by_their_first_parts() -> None:
    assert describe_names(NAMES) == "fc.*, resnet_0_0.*, resnet_1_0.*, mapping.*"
    assert describe_names(NAMES, limit=2) == "fc.*, resnet_0_0.*, and 2 more"


def test_later_rules_open_what_earlier_ones_closed() -> None:
    rules = [FreezeRule(freeze="*"), FreezeRule(train="*.adafm_*")]
    assert [name for name, is_trained in resolve(rules, NAMES).items() if is_trained] == ["resnet_0_0.adafm_0.gamma"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"generator": [{"freeze": "resnet_9_*"}]},
            "stages[0].generator[0]: freeze rule 'resnet_9_*' in stage 'all' matches no parameter of the generator; "
            "its parameters are: fc.*, resnet_0_0.*, resnet_1_0.*, conv_img.*.",
        ),
        (
            {"discriminator": [{"freeze": "*"}]},
            "stages[0].discriminator: freezes the whole discriminator: nothing of it would train.",
        ),
        (
            {"generator": [{"train": "*.adafm_*"}]},
            "stages[0].generator[0]: freeze rule '*.adafm_*' in stage 'all' matches no parameter of the generator; "
            "its parameters are: fc.*, resnet_0_0.*, resnet_1_0.*, conv_img.*.",
        ),
    ],
)
def test_a_rule_without_effect_is_refused(rules: dict[str, Any], message: str) -> None:
    data = {**recipe_data(), "stages": [stage(**rules)]}
    with pytest.raises(RecipeError) as caught:
        planned(data)
    assert [str(problem) for problem in caught.value.problems] == [message]


def test_all_rules_of_all_stages_are_checked_at_once() -> None:
    stages = [stage("one", generator=[{"freeze": "a"}]), stage("two", discriminator=[{"freeze": "b"}, {"train": "c"}])]
    with pytest.raises(RecipeError) as caught:
        planned({**recipe_data(), "stages": stages})
    assert [problem.path for problem in caught.value.problems] == [
        ("stages", 0, "generator", 0),
        ("stages", 1, "discriminator", 0),
        ("stages", 1, "discriminator", 1),
    ]


def test_the_plan_says_who_trains_in_each_stage() -> None:
    data = recipe_data(generator="transfer")
    frozen = {"freeze": "resnet_*"}
    data["stages"] = [stage("head", generator=[frozen]), stage("adapt", generator=[frozen, {"train": "*.adafm_*"}])]
    plan = planned(data).generator
    head, adapt = plan.trains
    assert list(head) == list(adapt) == list(plan.sizes)
    opened = [name for name in plan.sizes if adapt[name] != head[name]]
    assert opened == [f"resnet_0_0.adafm_{i}.{part}" for i in (0, 1) for part in ("gamma", "beta")]


@PROPERTY
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_schedule_gives_each_stage_its_steps_in_order(lengths: list[int]) -> None:
    rate = ConstantRate(rate=1.0)
    stages = [
        StageSpec.model_construct(name=f"s{i}", steps=steps, generator_rate=rate, discriminator_rate=rate)
        for i, steps in enumerate(lengths)
    ]
    schedule = Schedule(stages)
    assert schedule.num_steps == sum(lengths)
    positions = [schedule.at(step) for step in range(schedule.num_steps)]
    assert [(p.number, p.step) for p in positions] == [(i, s) for i, steps in enumerate(lengths) for s in range(steps)]
    assert all(p.stage is stages[p.number] for p in positions)
    with pytest.raises(IndexError, match=f"^step {sum(lengths)} is behind the last of {sum(lengths)} steps$"):
        schedule.at(schedule.num_steps)
