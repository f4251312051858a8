"""Scores as tables, and what a reader must know about them once each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganforge.cli.output import Output
    from ganforge.evaluation.score import Score

_HEADER = ("class", "value", "seeds +-", "draws +-", "real", "x real", "n")
#: Names of scores in front of a warning; with more, it says how many.
_NAMED = 4


def show_scores(scores: Sequence[Score], output: Output) -> None:
    """A row for each score, under a heading for what stands in brackets in its name; then matrices and warnings.

    Columns: see docs/evaluation.md; `real` is the same measure between real images.
    """
    if not scores:
        output.line("  none")
        return
    groups: dict[str, list[Score]] = {}
    for score in scores:
        groups.setdefault(_parts(score)[1], []).append(score)
    # one table, so that all columns are aligned, with headings in between
    rows: list[tuple[str, ...]] = []
    for heading, members in groups.items():
        if heading:
            rows.append((f"[{heading}]", *("" for _ in _HEADER)))
        rows += [_row(score) for score in members]
    output.table(("score", *_HEADER), rows, right=range(2, len(_HEADER) + 1), indent=2)
    for score in scores:
        _show_matrix(score, output)
    for text, names in _warnings(scores).items():
        prefix = "" if len(names) == len(scores) else f"{_named(names)}: "
        output.paragraph(f"warning: {prefix}{text}", indent=2, style="yellow")


def _parts(score: Score) -> tuple[str, str]:
    """`kd` and `efficientnet-lite0@57934424` of `kd[efficientnet-lite0@57934424]`."""
    name, _, rest = score.name.partition("[")
    return name, rest.removesuffix("]")


def _row(score: Score) -> tuple[str, ...]:
    n = f"{score.n_fake:,}" if score.n_fake == score.n_real else f"{score.n_fake:,}/{score.n_real:,}"
    numbers = (_number(score.value), *(_number(value, 2) for value in (score.seed_spread, score.spread)))
    return (_parts(score)[0], score.of_class or "", *numbers, _number(score.floor), _number(score.ratio, 3), n)


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}g}"


def _show_matrix(score: Score, output: Output) -> None:
    if score.matrix is None:
        return
    output.line(f"  {_parts(score)[0]}: asked (rows) by recognised (columns)")
    rows = [(name, *map(str, row)) for name, row in zip(score.classes, score.matrix, strict=True)]
    output.table(("", *score.classes), rows, right=range(1, len(score.classes) + 1), indent=4)


def _warnings(scores: Sequence[Score]) -> dict[str, list[str]]:
    """Each warning with the names of the scores that have it."""
    found: dict[str, list[str]] = {}
    for score in scores:
        for text in score.warnings:
            found.setdefault(text, []).append(_parts(score)[0])
    return found


def _named(names: Sequence[str]) -> str:
    distinct = dict.fromkeys(names)
    return ", ".join(distinct) if len(distinct) <= _NAMED else f"{len(names)} scores"
