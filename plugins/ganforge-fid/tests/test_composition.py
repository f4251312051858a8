"""Two sets of images are said to differ in their classes by one rule, whichever evaluator says it."""

from ganforge_fid.composition import share_gap

NAMES = ("grade 0", "grade 1", "grade 2")


def test_the_class_with_the_largest_difference_is_named():
    assert share_gap([50, 30, 20], [38, 36, 26], NAMES, ", so look.") == [
        "real and generated images differ in the share of class 'grade 0' (50% and 38%), so look."
    ]


def test_a_difference_of_five_percent_is_none():
    assert share_gap([50, 30, 20], [9, 7, 4], NAMES, ".") == []
