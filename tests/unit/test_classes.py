"""Classes that somebody asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.classes import find_labels
from ganforge.errors import UsageError


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


@pytest.mark.parametrize("word", [2, -1, 0.0, None, True, np.float32(1), "²", "9" * 5000, [0]])
def test_what_is_no_label_is_refused(word: Any) -> None:
    with pytest.raises(UsageError, match=r"Classes: large \(label 0\), small \(label 1\)\."):
        find_labels([word], ["large", "small"])
