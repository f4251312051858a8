"""What an evaluator gives is used only if files and tables can hold it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from ganforge.errors import DataError, PluginError
from ganforge.evaluation.checks import checked, preflight
from ganforge.evaluation.score import Score
from ganforge.interfaces import EvaluatorSpec

GOOD = Score("kd", np.float64(0.5), 10, 8, matrix=((3, 1), (0, 4)), classes=("a", "b"), warnings=("few",))


class Broken(EvaluatorSpec):
    """Fails before it begins."""

    kind: Literal["broken"] = "broken"
    is_told: bool = False

    def preflight(self) -> None:
        if self.is_told:
            raise DataError("there is no file.")
        raise SystemExit(0)

    def evaluate(self, real: Any, fake: Any, context: Any) -> list[Score]:
        return []


def refusal(found: Any) -> str:
    with pytest.raises(PluginError) as caught:
        checked(found)
    return str(caught.value)


def test_good_scores_come_back_as_they_are() -> None:
    scores = [GOOD, replace(GOOD, of_class="a"), replace(GOOD, name="fd", value=1, matrix=None, classes=())]
    assert checked(scores) == scores
    assert checked([]) == []


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "it gave None, not a list of scores."),
        ("abc", "it gave 'abc', not a list of scores."),
        ([1], "it gave a list with 1, which is no Score."),
        ([GOOD, GOOD], "it gave two scores with the name 'kd' and the same class."),
    ],
)
def test_what_is_no_list_of_scores_is_refused(found: Any, message: str) -> None:
    assert refusal(found) == message


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"value": float("nan")}, "`value` of its score 'kd' is nan, not a finite Python number."),
        ({"value": None}, "`value` of its score 'kd' is None, not a finite Python number."),
        ({"value": "x"}, "`value` of its score 'kd' is 'x', not a finite Python number."),
        ({"value": True}, "`value` of its score 'kd' is True, not a finite Python number."),
        ({"value": np.float32(1)}, "`value` of its score 'kd' is np.float32(1.0), not a finite Python number."),
        ({"floor": float("inf")}, "`floor` of its score 'kd' is inf, not a finite Python number."),
        ({"spread": np.ones(2)}, "`spread` of its score 'kd' is array([1., 1.]), not a finite Python number."),
        ({"n_real": 2.5}, "`n_real` of its score 'kd' is 2.5, not a count."),
        ({"name": None}, "`name` of its score None is None, not text."),
        ({"of_class": 3}, "`of_class` of its score 'kd' is 3, not text."),
        ({"lower_is_better": 1}, "`lower_is_better` of its score 'kd' is 1, not True or False."),
        ({"warnings": None}, "`warnings` of its score 'kd' is None, not a tuple of text."),
        ({"warnings": "abc"}, "`warnings` of its score 'kd' is 'abc', not a tuple of text."),
        (
            {"classes": ("a",)},
            "`matrix` of its score 'kd' is ((3, 1), (0, 4)), not 1 tuples of 1 counts, one for each of its `classes`.",
        ),
        (
            {"matrix": np.ones((2, 2), int)},
            "`matrix` of its score 'kd' is array([[1, 1],\n       [1, 1]]), not 2 tuples of 2 counts, one for each of "
            "its `classes`.",
        ),
    ],
)
def test_a_field_that_is_not_what_it_says_is_named(fault: dict[str, Any], message: str) -> None:
    assert refusal([replace(GOOD, **fault)]) == f"the field {message}"


def test_a_broken_preflight_names_the_evaluator_and_one_that_says_what_is_missing_is_passed_on() -> None:
    with pytest.raises(PluginError, match=r"^evaluator 'broken' failed in its preflight: SystemExit: 0$"):
        preflight([Broken()])
    with pytest.raises(DataError, match=r"^there is no file\.$"):
        preflight([Broken(is_told=True)])
