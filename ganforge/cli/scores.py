"""Scores as tables, and what a reader must know about them once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganforge.cli.output import Output
    from ganforge.evaluation.score import Score

_HEADER = ("  score", "value", "seeds +-", "draws +-", "real", "x real", "n")
#: Names of scores in front of a warning; with more, it says how many.
_NAMED = 4


def show_scores(scores: Sequence[Score], output: Output) -> None:
    """A row for each score, under a heading for what stands in brackets in its name; then matrices and warnings.

    A score of a class stands under that of all. Columns: see docs/evaluation.md; `real` is the same measure
    between real images. A column without a number is left out.
    """
    if not scores:
        output.line("  none")
        return
    groups: dict[str, list[Score]] = {}
    for score in scores:
        groups.setdefault(_parts(score)[1], []).append(score)
    # one table, so that all columns are aligned, with headings in between that don't widen it
    rows = [row for members in groups.values() for row in _rows(members)]
    header, *lines = output.aligned(*_filled(_HEADER, rows))
    output.line(header, "bold")
    for heading, members in groups.items():
        if heading:
            output.paragraph(f"[{heading}]", indent=2)
        for _ in members:
            output.line(lines.pop(0))
    for score in scores:
        _show_matrix(score, output)
    for text, names in _warnings(scores).items():
        prefix = "" if len(names) == len(scores) else f"{_named(names)}: "
        output.paragraph(f"warning: {prefix}{text}", indent=2, style="yellow")


def _parts(score: Score) -> tuple[str, str]:
    """`kd` and `efficientnet-lite0@57934424` of `kd[efficientnet-lite0@57934424]`."""
    name, _, rest = score.name.partition("[")
    return name, rest.removesuffix("]")


def _rows(scores: Sequence[Score]) -> Iterator[tuple[str, ...]]:
    above = ""
    for score in scores:
        name = _parts(score)[0]
        title = name if score.of_class is None else score.of_class if name == above else f"{name}, {score.of_class}"
        indent = "  " if score.of_class is None or name != above else "    "
        above = name
        n = f"{score.n_fake:,}" if score.n_fake == score.n_real else f"{score.n_fake:,}/{score.n_real:,}"
        numbers = (_number(score.value), *(_number(value, 2) for value in (score.seed_spread, score.spread)))
        yield (indent + title, *numbers, _number(score.floor, 3), _number(score.ratio, 3), n)


def _filled(header: Sequence[str], rows: Sequence[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], range]:
    """Header and rows without the columns in which no row has anything, and the columns that hold numbers."""
    kept = [number for number in range(len(header)) if any(row[number] for row in rows)]
    return [tuple(row[number] for number in kept) for row in (header, *rows)], range(1, len(kept))


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
