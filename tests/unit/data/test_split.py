"""Properties of the split by patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.data.split import SIDES, divide, split_by_group
from ganforge.recipe.models import SplitSpec

images = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12).map("patient {}".format)), max_size=40)
shares = st.floats(0, 0.99)
seeds = st.integers(0, 9)


def held_out_groups(pairs: list[tuple[int, str]], share: float, seed: int) -> set[str]:
    _, held_out = split_by_group([label for label, _ in pairs], [group for _, group in pairs], share, seed)
    return {pairs[i][1] for i in held_out}


@given(images, shares, seeds)
def test_every_image_is_on_one_side_and_no_group_on_both(pairs: list, share: float, seed: int) -> None:
    groups = [group for _, group in pairs]
    train, held_out = split_by_group([label for label, _ in pairs], groups, share, seed)
    assert train.dtype == held_out.dtype == np.int64
    assert sorted([*train, *held_out]) == list(range(len(pairs)))
    assert list(train) == sorted(train) and list(held_out) == sorted(held_out)
    assert not {groups[i] for i in train} & {groups[i] for i in held_out}


@given(images, shares.filter(bool), seeds)
def test_every_class_with_two_groups_is_on_both_sides(pairs: list, share: float, seed: int) -> None:
    worst: dict[str, int] = {}
    for label, group in pairs:
        worst[group] = max(label, worst.get(group, 0))
    held_out = held_out_groups(pairs, share, seed)
    for label in set(worst.values()):
        members = {group for group in worst if worst[group] == label}
        assert (0 < len(members & held_out) < len(members)) if len(members) > 1 else not members & held_out


@given(images, shares, seeds, st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(pairs: list, share: float, seed: int, random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert held_out_groups(pairs, share, seed) == held_out_groups(shuffled, share, seed)


@given(images, seeds)
def test_nothing_is_held_out_for_a_share_of_zero(pairs: list, seed: int) -> None:
    assert held_out_groups(pairs, 0, seed) == set()


@given(st.integers(20, 80), st.sampled_from([0.1, 0.2, 0.5]), seeds)
def test_the_share_is_met_where_groups_are_small(n: int, share: float, seed: int) -> None:
    _, held_out = split_by_group([0] * n, [str(i // 2) for i in range(n)], share, seed)
    assert abs(len(held_out) - share * n) <= 2


def test_seeds_hold_out_different_patients() -> None:
    pairs = [(0, str(i)) for i in range(50)]
    assert len({frozenset(held_out_groups(pairs, 0.2, seed)) for seed in range(5)}) == 5


@given(images, shares, seeds, st.integers(1, 50))
def test_fewer_training_images_are_some_of_them_and_the_held_out_ones_stay(
    pairs: list, share: float, seed: int, most: int
) -> None:
    labels, groups = [label for label, _ in pairs], [group for _, group in pairs]
    train, held_out = split_by_group(labels, groups, share, seed)
    divided = divide(labels, groups, None, SplitSpec(held_out=share, seed=seed, train=most))
    fewer, unseen, left_out = ({i for i, each in enumerate(divided) if each == side} for side in SIDES)
    assert unseen == set(held_out)
    assert fewer | left_out == set(train)
    assert not {groups[i] for i in fewer} & {groups[i] for i in left_out}
    assert not left_out or most < len(train)


@given(st.integers(1, 70), seeds)
def test_about_as_many_images_train_as_asked_for(most: int, seed: int) -> None:
    split = SplitSpec(held_out=0.2, seed=seed, train=most)
    divided = divide([i % 3 for i in range(90)], [str(i) for i in range(90)], None, split)
    assert abs(divided.count("train") - most) <= 3


@given(st.lists(st.sampled_from(SIDES), max_size=40), shares, seeds, st.none() | st.integers(1, 50))
def test_a_given_side_stays_unless_fewer_are_to_train(sides: list, share: float, seed: int, most: int | None) -> None:
    labels, groups = [i % 3 for i in range(len(sides))], [str(i) for i in range(len(sides))]
    divided = divide(labels, groups, sides, SplitSpec(held_out=share, seed=seed, train=most))
    changes = {(given, side) for given, side in zip(sides, divided, strict=True) if given != side}
    assert changes <= {("train", "unused")}
    assert not changes or (most is not None and most < sides.count("train"))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there are 2 labels, but 1 groups\."):
        split_by_group([0, 1], ["a"], 0.2, 0)
    with pytest.raises(ValueError, match=r"held_out must be at least 0 and below 1, but is 1\.0\."):
        split_by_group([0], ["a"], 1.0, 0)


def test_a_name_that_is_not_utf_8_is_ranked_by_its_bytes() -> None:
    groups = ["gr\udcf6\udcdfe 1", "2", "3", "4"]
    train, held_out = split_by_group([0, 0, 0, 0], groups, 0.5, 0)
    assert len(train) == len(held_out) == 2
