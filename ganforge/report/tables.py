"""The tables of a report: scores, confusion, counts of the data, and what trains in which stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ganforge.evaluation.score import Matrix, Score
from ganforge.evaluation.shown import floor, grouped, named, number, parts, sizes, warnings_of
from ganforge.report.folder import RunRecord, at

#: Shades of a matrix, from 0 to this.
SHADES = 8


@dataclass(frozen=True)
class ScoreRow:
    """A score as it is printed."""

    name: str
    of_class: str
    value: str
    seed_spread: str
    draw_spread: str
    real: str
    #: `floor`, `ceiling` or `value`; `lower`, `higher` or `near 1`.
    of_real: str
    better: str
    ratio: str
    n: str
    text: str


@dataclass(frozen=True)
class ScoreGroup:
    """Scores on the features of one extractor."""

    extractor: str
    rows: Sequence[ScoreRow]


@dataclass(frozen=True)
class Cell:
    """One count of a matrix, with its share of the row and its shade."""

    count: int
    share: str
    shade: int


@dataclass(frozen=True)
class Confusion:
    """Asked against recognised class."""

    name: str
    classes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


@dataclass(frozen=True)
class Caveat:
    """A warning, and which scores it is about; empty: all."""

    about: str
    text: str


@dataclass(frozen=True)
class Trained:
    """A block in a stage."""

    network: str
    block: str
    trained: int
    frozen: int


@dataclass(frozen=True)
class StageTable:
    """Who trains in a stage."""

    name: str
    steps: int | None
    rows: Sequence[Trained]
    #: Network -> trained and all parameters.
    totals: Sequence[tuple[str, int, int]]


@dataclass(frozen=True)
class Loaded:
    """What became of a network's pretrained tensors, in short."""

    network: str
    counts: Mapping[str, int]
    #: Names of the tensors that are not as they were, by what became of them.
    details: Sequence[tuple[str, Sequence[str]]]
    classes: Sequence[str]


def score_groups(scores: Sequence[Score]) -> list[ScoreGroup]:
    """A row for each score, by extractor."""
    return [ScoreGroup(name, [_row(score) for score in members]) for name, members in grouped(scores).items()]


def caveats(scores: Sequence[Score]) -> list[Caveat]:
    """Each warning once."""
    found = warnings_of(scores)
    return [Caveat("" if len(names) == len(scores) else named(names), text) for text, names in found.items()]


def meanings(scores: Sequence[Score]) -> list[str]:
    """What the scores say, each sentence once."""
    return list(dict.fromkeys(score.meaning for score in scores if score.meaning))


def confusions(scores: Sequence[Score]) -> list[Confusion]:
    """The matrices of the scores that have one."""
    return [_confusion(parts(score)[0], score.classes, score.matrix) for score in scores if score.matrix is not None]


def class_counts(record: RunRecord) -> list[tuple[str, int, int]]:
    """Class, images to train on, images held out; empty where data.json doesn't tell."""
    names = at(record.data, "card", "classes", kind=list) or []
    train, held_out = (at(record.data, "images", split, kind=list) or [] for split in ("train", "held_out"))
    counts = list(zip(train, held_out, strict=False))
    if not len(names) == len(train) == len(held_out) or not all(isinstance(n, int) for row in counts for n in row):
        return []
    return [(str(name), trained, kept) for name, (trained, kept) in zip(names, counts, strict=True)]


def stage_tables(record: RunRecord) -> list[StageTable]:
    """freeze.json by stage."""
    steps = dict(record.stages)
    tables = []
    for stage, found in record.freeze.items():
        rows = []
        for row in found:
            names = [at(row, key, kind=str) for key in ("network", "block")]
            counts = [at(row, f"{key}_parameters", kind=int) for key in ("trained", "frozen")]
            if None not in names and None not in counts:
                rows.append(Trained(*names, *counts))  # type: ignore[arg-type]
        totals: dict[str, tuple[int, int]] = {}
        for each in rows:
            trained, total = totals.get(each.network, (0, 0))
            totals[each.network] = trained + each.trained, total + each.trained + each.frozen
        tables.append(StageTable(stage, steps.get(stage), rows, [(name, *both) for name, both in totals.items()]))
    return tables


def load_tables(record: RunRecord) -> list[Loaded]:
    """load.json in short."""
    tables = []
    for report in record.load:
        kinds = {kind: at(report, kind, kind=list) or [] for kind in ("loaded", "widened", "fresh", "dropped")}
        kinds["widened"] = [each[0] if isinstance(each, list) and each else each for each in kinds["widened"]]
        details = [(kind, [str(name) for name in kinds[kind]]) for kind in ("widened", "fresh", "dropped")]
        tables.append(
            Loaded(
                at(report, "network", kind=str) or "network",
                {kind: len(names) for kind, names in kinds.items()},
                [(kind, names) for kind, names in details if names],
                [str(line) for line in at(report, "classes", kind=list) or []],
            )
        )
    return tables


def _row(score: Score) -> ScoreRow:
    return ScoreRow(
        parts(score)[0],
        score.of_class or "",
        number(score.value),
        number(score.seed_spread, 2),
        number(score.spread, 2),
        floor(score),
        score.of_real,
        score.better,
        number(score.ratio, 3),
        sizes(score),
        str(score),
    )


def _confusion(name: str, classes: Sequence[str], matrix: Matrix) -> Confusion:
    rows = []
    for asked, counts in zip(classes, matrix, strict=True):
        total = sum(counts) or 1
        rows.append((asked, [Cell(n, f"{n / total:.0%}", round(SHADES * n / total)) for n in counts]))
    return Confusion(name, classes, rows)
