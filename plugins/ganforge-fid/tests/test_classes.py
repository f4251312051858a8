"""Classes by name or label, as they are or merged."""

import pytest
from pydantic import TypeAdapter, ValidationError

from ganforge.errors import DataError
from ganforge_fid.classes import Groups, chosen_classes, labels_of

NAMES = ("none", "mild", "severe")


def test_without_groups_the_classes_stay():
    chosen = chosen_classes(NAMES, None)
    assert (chosen.names, chosen.of_label.tolist(), chosen.merged) == (NAMES, [0, 1, 2], "")


def test_groups_may_name_classes_by_name_or_by_label():
    for groups in (((0, 1), (2,)), (("none", "mild"), ("severe",)), ((1, "none"), ("severe",))):
        chosen = chosen_classes(NAMES, groups)
        assert chosen.of_label.tolist() == [0, 0, 1]
    assert (chosen.names, chosen.merged) == (("mild + none", "severe"), "1+0 | 2")


def test_a_name_that_looks_like_a_number_is_a_name():
    assert labels_of(["2", 2], ("2", "1", "0"), "positive") == [0, 2]


def test_groups_that_miss_or_repeat_a_class_or_name_another_are_refused():
    known = "Classes: 0 = 'none', 1 = 'mild', 2 = 'severe'."
    cases = [
        (((0,), ("mild",)), f"`group` must put each class into one group, but 'severe' is in none. {known}"),
        (
            ((0, "none"), ("mild",)),
            "`group` must put each class into one group, but 'severe' is in none; 'none' is in more than one. " + known,
        ),
        (((0, 3), ("Mild",)), f"`group` names 3, which the images don't have. {known}"),
    ]
    for groups, message in cases:
        with pytest.raises(DataError) as caught:
            chosen_classes(NAMES, groups)
        assert str(caught.value) == message


def test_the_recipe_is_refused_for_one_group_an_empty_one_or_a_class_twice():
    groups = TypeAdapter(Groups)
    assert groups.validate_python([[0, "mild"], [2]]) == ((0, "mild"), (2,))
    cases = [
        ([[0, 1, 2]], "Tuple should have at least 2 items after validation, not 1"),
        ([[0], [1], []], "Tuple should have at least 1 item after validation, not 0"),
        ([[0, 1], [1, 2]], "Value error, names the class 1 more than once."),
    ]
    for given, message in cases:
        with pytest.raises(ValidationError) as caught:
            groups.validate_python(given)
        assert [error["msg"] for error in caught.value.errors()] == [message]
