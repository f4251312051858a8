"""The geometry of charts."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganforge.report.chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MAX_POINTS,
    MAX_ROWS,
    RIGHT,
    TOP,
    WIDTH,
    Series,
    draw,
    nice_ticks,
)

VALUES = st.floats(-1e6, 1e6)


@given(st.lists(VALUES, min_size=1, max_size=60), st.booleans())
def test_all_lines_stay_within_the_frame(values: list[float], from_zero: bool) -> None:
    points = [(float(index), value) for index, value in enumerate(values)]
    chart = draw("x", "x", [Series("a", points, is_marked=True)], from_zero=from_zero)
    assert chart is not None
    places = [tuple(map(float, pair.split())) for pair in chart.lines[0].path.removeprefix("M").split(" L")]
    assert len(places) == len(chart.lines[0].marks) == len(values)
    assert all(LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1 and TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1 for x, y in places)


@given(VALUES, st.floats(1e-3, 1e6))
def test_ticks_are_round_few_and_cover_the_values(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert ticks[0] <= low + 1e-6 * width and ticks[-1] >= low + width - 1e-6 * width
    assert 2 <= len(ticks) <= 9
    step = ticks[1] - ticks[0]
    assert round(step / 10 ** math.floor(math.log10(step * 1.001)), 2) in (1, 2, 5)


def test_larger_values_stand_higher_and_later_ones_further_right() -> None:
    chart = draw("x", "x", [Series("a", [(0.0, 1.0), (10.0, 2.0), (20.0, 4.0)])])
    assert chart is not None
    x, y = zip(*(map(float, pair.split()) for pair in chart.lines[0].path[1:].split(" L")), strict=True)
    assert list(x) == sorted(x) and list(y) == sorted(y, reverse=True)


def test_a_long_run_is_averaged_and_its_table_says_how_many_rows_there_are() -> None:
    points = [(float(index), float(index % 2)) for index in range(10_000)]
    chart = draw("x", "x", [Series("a", points)])
    assert chart is not None
    assert len(re.findall("[ML]", chart.lines[0].path)) <= MAX_POINTS
    assert (len(chart.rows), chart.num_rows) == (MAX_ROWS, 10_000)
    assert chart.rows[-1] == ["9,999", "1"]


def test_a_spike_does_not_flatten_the_rest_and_is_told() -> None:
    points = [(float(index), 1.0) for index in range(99)] + [(99.0, 500.0)]
    chart = draw("x", "x", [Series("a", points)])
    assert chart is not None
    assert chart.notes == ["Values above 1.5 are drawn at the upper edge; the largest is 500."]
    assert float(chart.y_ticks[-1].label) < 3


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_a_constant_is_a_line_inside_the_frame(value: float) -> None:
    chart = draw("x", "x", [Series("a", [(0.0, value), (5.0, value)])])
    assert chart is not None and len(chart.y_ticks) >= 2


def test_stages_and_the_place_of_the_run_are_marked_inside_the_axis_alone() -> None:
    series = [Series("a", [(0.0, 1.0), (100.0, 1.0)])]
    chart = draw("x", "x", series, boundaries=[("head", 50.0), ("tail", 100.0)], now=25.0, end=100.0)
    assert chart is not None and chart.now is not None
    assert [tick.label for tick in chart.boundaries] == ["head"]
    assert LEFT < chart.now < chart.boundaries[0].at < WIDTH - RIGHT
    assert draw("x", "x", [Series("a", [])]) is None
