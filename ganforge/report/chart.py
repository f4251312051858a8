"""The geometry of a chart: where its lines, ticks and marks stand. The page's templates draw it as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganforge.report.pictures import evenly

#: Size in the units of the SVG, and the free space around the lines; the text must fit into it at phone size too.
WIDTH, HEIGHT = 560, 264
LEFT, RIGHT, TOP, BOTTOM = 70, 18, 16, 44
#: Points of a line at most; more are averaged by neighbours.
MAX_POINTS = 240
#: Rows of the table beside a chart at most.
MAX_ROWS = 60
#: Values above this multiple of the 98% quantile are cut off, so that a spike doesn't flatten the rest.
CUT = 4.0
#: Looks of lines (colour and dashes) that there are.
LOOKS = 6

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """A curve: points (images seen, value) in the order of the training."""

    label: str
    points: Sequence[Point]
    #: A few measurements, each of which is marked.
    is_marked: bool = False


@dataclass(frozen=True)
class Tick:
    """A place on an axis, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A drawn curve; `look` is from 1 to LOOKS."""

    label: str
    look: int
    path: str
    marks: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """A chart as the templates draw it."""

    key: str
    title: str
    #: What a reader who can't see the lines should know.
    summary: str
    lines: Sequence[Line]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    #: Where stages end, where a level is marked, and where the run stands.
    boundaries: Sequence[Tick]
    level: Tick | None
    now: float | None
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    #: Of all rows, where not all of them stand in the table.
    num_rows: int
    notes: Sequence[str]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def draw(
    key: str,
    title: str,
    series: Sequence[Series],
    *,
    boundaries: Sequence[tuple[str, float]] = (),
    level: tuple[str, float] | None = None,
    end: float | None = None,
    now: float | None = None,
    from_zero: bool = False,
) -> Chart | None:
    """The chart of the series that have points; None if there are none. A series has the look of its place.

    boundaries: name of a stage, and images seen at its end; level: a value to be marked; end: images at the right
    edge, at least; now: images seen so far, if the axis goes on.
    """
    looks = [index % LOOKS + 1 for index, each in enumerate(series) if each.points]
    series = [each for each in series if each.points]
    if not series:
        return None
    shown = [_averaged(each.points) for each in series]
    last = max([end or 0.0, *(points[-1][0] for points in shown), 1.0])
    values = [value for points in shown for _, value in points]
    low, high, notes = _range(values + ([level[1]] if level else []), from_zero=from_zero)
    ticks = nice_ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    def x_of(images: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * images / last

    def y_of(value: float) -> float:
        share = (min(value, high) - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    lines = [
        Line(each.label, look, _path(points, x_of, y_of), _marks(each, points, x_of, y_of))
        for look, each, points in zip(looks, series, shown, strict=True)
    ]
    header, rows = _table(series)
    some = evenly(rows, MAX_ROWS)
    return Chart(
        key,
        title,
        _summary(series, notes),
        lines,
        [Tick(x_of(value), short(value)) for value in nice_ticks(0, last) if value <= last],
        [Tick(y_of(value), f"{value:.4g}") for value in ticks],
        [Tick(x_of(images), name) for name, images in boundaries if 0 < images < last],
        Tick(y_of(level[1]), level[0]) if level else None,
        x_of(now) if now is not None and now < last else None,
        header,
        some,
        len(rows),
        notes,
    )


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers that cover low to high, low < high: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def short(value: float) -> str:
    """`800`, `40k`, `1.5M`."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}{letter}"
    return f"{value:.4g}"


def _range(values: Sequence[float], *, from_zero: bool) -> tuple[float, float, list[str]]:
    """Lowest and highest value that are drawn, and a note about what is cut off."""
    low, high = min(values), max(values)
    notes = []
    usual = sorted(values)[int(0.98 * (len(values) - 1))]
    if usual > 0 and high > CUT * usual and len(values) >= 50:
        notes.append(f"Values above {1.5 * usual:.3g} are drawn at the upper edge; the largest is {high:.3g}.")
        high = 1.5 * usual
    if from_zero or 0 <= low < 0.5 * high:
        low = min(low, 0.0)
    if high - low <= 1e-9 * max(abs(high), abs(low)):
        half = abs(high) / 2 or 0.5
        low, high = low - half, high + half
    return low, high, notes


def _averaged(points: Sequence[Point]) -> list[Point]:
    """At most MAX_POINTS points, each the mean over neighbours."""
    size = -(-len(points) // MAX_POINTS)
    chunks = [points[start : start + size] for start in range(0, len(points), size)]
    return [(chunk[-1][0], sum(value for _, value in chunk) / len(chunk)) for chunk in chunks]


def _path(points: Sequence[Point], x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    places = [f"{x_of(images):.1f} {y_of(value):.1f}" for images, value in points]
    return f"M{' L'.join(places)}"


def _marks(
    series: Series, points: Sequence[Point], x_of: Callable[[float], float], y_of: Callable[[float], float]
) -> list[tuple[float, float]]:
    if not series.is_marked and len(points) > 1:
        return []
    return [(round(x_of(images), 1), round(y_of(value), 1)) for images, value in points]


def _table(series: Sequence[Series]) -> tuple[list[str], list[list[str]]]:
    by_images: dict[float, dict[int, float]] = {}
    for index, each in enumerate(series):
        for images, number in each.points:
            by_images.setdefault(images, {})[index] = number
    rows = [
        [f"{images:,.0f}", *("" if (value := found.get(i)) is None else f"{value:.4g}" for i in range(len(series)))]
        for images, found in sorted(by_images.items())
    ]
    return ["images", *(each.label for each in series)], rows


def _summary(series: Sequence[Series], notes: Sequence[str]) -> str:
    said = []
    for each in series:
        (first, start), (last, end) = each.points[0], each.points[-1]
        lowest = min(value for _, value in each.points)
        highest = max(value for _, value in each.points)
        said.append(
            f"{each.label}: {start:.4g} at {first:,.0f} images, {end:.4g} at {last:,.0f}; "
            f"between {lowest:.4g} and {highest:.4g}."
        )
    return " ".join([*said, *notes])
