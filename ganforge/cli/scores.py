"""Scores as tables, and what a reader must know about them once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganforge.evaluation.shown import grouped, named, number, parts, sizes, warnings_of

if TYPE_CHECKING:
    from ganforge.cli.output import Output
    from ganforge.evaluation.score import Score

_HEADER = ("class", "value", "seeds +-", "draws +-", "real", "x real", "n")


def show_scores(scores: Sequence[Score], output: Output) -> None:
    """A row for each score, under a heading for what stands in brackets in its name; then matrices and warnings.

    Columns: see docs/evaluation.md; `real` is the same measure between real images.
    """
    if not scores:
        output.line("  none")
        return
    # one table, so that all columns are aligned, with headings in between
    rows: list[tuple[str, ...]] = []
    for heading, members in grouped(scores).items():
        if heading:
            rows.append((f"[{heading}]", *("" for _ in _HEADER)))
        rows += [_row(score) for score in members]
    output.table(("score", *_HEADER), rows, right=range(2, len(_HEADER) + 1), indent=2)
    for score in scores:
        _show_matrix(score, output)
    for text, names in warnings_of(scores).items():
        prefix = "" if len(names) == len(scores) else f"{named(names)}: "
        output.paragraph(f"warning: {prefix}{text}", indent=2, style="yellow")


def _row(score: Score) -> tuple[str, ...]:
    numbers = (number(score.value), *(number(value, 2) for value in (score.seed_spread, score.spread)))
    return (
        parts(score)[0],
        score.of_class or "",
        *numbers,
        number(score.floor),
        number(score.ratio, 3),
        sizes(score),
    )


def _show_matrix(score: Score, output: Output) -> None:
    if score.matrix is None:
        return
    output.line(f"  {parts(score)[0]}: asked (rows) by recognised (columns)")
    rows = [(name, *map(str, row)) for name, row in zip(score.classes, score.matrix, strict=True)]
    output.table(("", *score.classes), rows, right=range(1, len(score.classes) + 1), indent=4)
