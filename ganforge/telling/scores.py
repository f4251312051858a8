"""Scores as tables, and what a reader must know about them once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ganforge.evaluation.shown import SIZES, floor, grouped, named, number, parts, sizes, warnings_of

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score
    from ganforge.telling.output import Output

_HEADER = ("  score", "value", "seeds +-", "draws +-", "real", "x real", "n")


def show_scores(scores: Sequence[Score], output: Output) -> None:
    """A row for each score, under a heading for what stands in brackets in its name; then matrices and warnings.

    A score of a class stands under that of all. Columns: see docs/evaluation.md; `real` is the same measure
    between real images. A column without a number is left out.
    """
    if not scores:
        output.line("  none")
        return
    groups = grouped(scores)
    # one table, so that all columns are aligned, with headings in between that don't widen it
    rows = [row for members in groups.values() for row in _rows(members)]
    header, *lines = output.aligned(*_filled(_HEADER, rows))
    output.line(header, "bold")
    for heading, members in groups.items():
        if heading:
            output.paragraph(f"[{heading}]", indent=2)
        for _ in members:
            output.line(lines.pop(0))
    output.paragraph(f"better: {_directions(scores)}", indent=2)
    output.paragraph(f"n: {SIZES}", indent=2)
    for score in scores:
        _show_matrix(score, output)
    for text, names in warnings_of(scores).items():
        prefix = "" if len(names) == len(scores) else f"{named(names)}: "
        output.paragraph(f"warning: {prefix}{text}", indent=2, style="yellow")


def _directions(scores: Sequence[Score]) -> str:
    """`lower for kd, fd; near 1 for memorisation_ratio`."""
    names: dict[str, dict[str, None]] = {}
    for score in scores:
        names.setdefault(score.better, {})[parts(score)[0]] = None
    return "; ".join(f"{better} for {', '.join(of)}" for better, of in names.items())


def _rows(scores: Sequence[Score]) -> Iterator[tuple[str, ...]]:
    above = ""
    for score in scores:
        name = parts(score)[0]
        title = name if score.of_class is None else score.of_class if name == above else f"{name}, {score.of_class}"
        indent = "  " if score.of_class is None or name != above else "    "
        above = name
        numbers = (number(score.value), *(number(value, 2) for value in (score.seed_spread, score.spread)))
        yield (indent + title, *numbers, floor(score, 3), number(score.ratio, 3), sizes(score))


def _filled(header: Sequence[str], rows: Sequence[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], range]:
    """Header and rows without the columns in which no row has anything, and the columns that hold numbers."""
    kept = [number for number in range(len(header)) if any(row[number] for row in rows)]
    return [tuple(row[number] for number in kept) for row in (header, *rows)], range(1, len(kept))


def _show_matrix(score: Score, output: Output) -> None:
    if score.matrix is None:
        return
    output.line(f"  {parts(score)[0]}: asked (rows) by recognised (columns)")
    rows = [(name, *map(str, row)) for name, row in zip(score.classes, score.matrix, strict=True)]
    output.table(("", *score.classes), rows, right=range(1, len(score.classes) + 1), indent=4)
