"""Where recipes differ."""

from __future__ import annotations

from typing import Any

import pytest

from ganforge.report.differences import differences, flow


def told(*sides: Any) -> dict[str, list[str | None]]:
    return {
        each.key: [None if given is None else flow(given.value) for given in each.values] for each in differences(sides)
    }


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a.c": ["2", "3"]}),
        ({"a": None}, {}, {"a": ["null", None]}),
        ({"a": [1, 2]}, {"a": [1, 3]}, {"a": ["[1, 2]", "[1, 3]"]}),
        (
            {"rate": {"kind": "constant", "rate": 1}},
            {"rate": {"kind": "cosine", "rate": 1}},
            {"rate": ["{kind: constant, rate: 1}", "{kind: cosine, rate: 1}"]},
        ),
        ({"rate": {"kind": "x", "rate": 1}}, {"rate": {"kind": "x", "rate": 2}}, {"rate.rate": ["1", "2"]}),
        (
            {"stages": [{"name": "a", "steps": 1}]},
            {"stages": [{"name": "a", "steps": 2}, {"name": "b", "steps": 1}]},
            {"stages[0].steps": ["1", "2"], "stages[1]": [None, "{name: b, steps: 1}"]},
        ),
        (
            {"rules": [{"freeze": "*", "train": None}]},
            {"rules": [{"freeze": "*", "train": None}, {"freeze": None, "train": "fc.*"}]},
            {"rules": ["[{freeze: *}]", "[{freeze: *}, {train: fc.*}]"]},
        ),
    ],
)
def test_differences_are_told_where_one_would_change_them(one: Any, other: Any, expected: dict[str, Any]) -> None:
    assert told(one, other) == expected
    assert told(other, one) == {key: values[::-1] for key, values in expected.items()}


def test_of_three_sides_each_is_shown() -> None:
    assert told({"a": 1}, {"a": 1}, {"a": 2}) == {"a": ["1", "1", "2"]}
