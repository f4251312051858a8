"""Scores as a table, and what a reader must know about them once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganforge.cli.output import Output
    from ganforge.evaluation.score import Score

_HEADER = ("score", "class", "value", "seeds +-", "draws +-", "real", "x real", "n")


def show_scores(scores: Sequence[Score], output: Output) -> None:
    """A row for each score; under the table the matrices and the warnings. `real`: the same between real images."""
    if not scores:
        output.line("  none")
        return
    output.table(_HEADER, [_row(score) for score in scores], right=range(2, len(_HEADER)), indent=2)
    for score in scores:
        _show_matrix(score, output)
    for text, of in _warnings(scores).items():
        names = "" if len(of) == len(scores) else f"{', '.join(dict.fromkeys(of))}: "
        output.paragraph(f"warning: {names}{text}", indent=2, style="yellow")


def _row(score: Score) -> tuple[str, ...]:
    n = f"{score.n_fake:,}" if score.n_fake == score.n_real else f"{score.n_fake:,}/{score.n_real:,}"
    numbers = (_number(score.value), *(_number(value, 2) for value in (score.seed_spread, score.spread)))
    return (score.name, score.of_class or "", *numbers, _number(score.floor), _number(score.ratio, 3), n)


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}g}"


def _show_matrix(score: Score, output: Output) -> None:
    if score.matrix is None:
        return
    output.line(f"  {score.name}: asked (rows) by recognised (columns)")
    rows = [(name, *map(str, row)) for name, row in zip(score.classes, score.matrix, strict=True)]
    output.table(("", *score.classes), rows, right=range(1, len(score.classes) + 1), indent=4)


def _warnings(scores: Sequence[Score]) -> dict[str, list[str]]:
    """Each warning with the names of the scores that have it."""
    found: dict[str, list[str]] = {}
    for score in scores:
        for text in score.warnings:
            found.setdefault(text, []).append(score.name)
    return found
