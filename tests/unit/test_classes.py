"""Classes that somebody asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.classes import find_labels
from ganforge.errors import UsageError
from ganforge.samples.wanted import wanted_counts


@given(st.permutations(["0", "1", "2", "x"]))
def test_a_name_goes_before_a_number(classes: list[str]) -> None:
    assert find_labels(["1"], classes) == [classes.index("1")]
    assert find_labels(["3"], classes) == [3]
    assert find_labels(["x", "x"], classes) == [classes.index("x")] * 2
    assert find_labels([1, np.int64(0)], classes) == [1, 0]


def test_all_unknown_classes_are_named_with_those_that_exist() -> None:
    with pytest.raises(UsageError) as caught:
        find_labels(["7", "smal", "-1"], ["large", "small"])
    assert str(caught.value).splitlines() == [
        "there is no label 7: they go from 0 to 1.",
        "no class is called 'smal'. Did you mean 'small'?",
        "no class is called '-1'.",
        "Classes: large (label 0), small (label 1).",
    ]


def test_zeros_in_front_of_a_number_count_nothing() -> None:
    assert find_labels(["0000000001", "0" * 5000], ["large", "small"]) == [1, 0]
    assert wanted_counts(["small=000000000016"], 1, ["large", "small"]) == {1: 16}
    for word in ("0000000002999", "2999"):
        with pytest.raises(UsageError, match=r"^there is no label 2999: they go from 0 to 1\."):
            find_labels([word], ["large", "small"])
    with pytest.raises(UsageError, match=r"with N from 1 to 1,000,000\.$"):
        wanted_counts(["small=00000000199999999"], 1, ["large", "small"])


@pytest.mark.parametrize("word", [2, -1, 0.0, None, True, np.float32(1), "²", "9" * 5000, [0]])
def test_what_is_no_label_is_refused(word: Any) -> None:
    with pytest.raises(UsageError, match=r"Classes: large \(label 0\), small \(label 1\)\."):
        find_labels([word], ["large", "small"])
