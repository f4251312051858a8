"""Several runs side by side: which scores may be compared, which differ, and what was asked of each run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from pathlib import Path

from ganforge.data.decode import UnusableImage
from ganforge.errors import UsageError
from ganforge.evaluation.score import Score
from ganforge.evaluation.shown import parts
from ganforge.report.chart import Chart, Series, draw
from ganforge.report.curves import series_of
from ganforge.report.differences import Difference, differences, flow
from ganforge.report.folder import RunRecord, at, read_run
from ganforge.report.hiding import Hider
from ganforge.report.pictures import Picture, embed_grid
from ganforge.report.report import hider

#: Keys of recipes that say nothing about what is computed.
_ASIDE = frozenset({"name", "description", "output.folder"})
#: A difference below this many standard deviations tells nothing (docs/evaluation.md).
_APART = 2.0


@dataclass(frozen=True)
class Side:
    """One of the runs."""

    label: str
    record: RunRecord
    #: Runs with the same letter were measured against the same held-out images; empty: not known.
    group: str


@dataclass(frozen=True)
class Measured:
    """A score of one run, and how it stands to those that may be compared with it."""

    side: Side
    score: Score
    #: `best`; `equal`, where several share the best value; `not told apart` from the best by twice the spreads; or
    #: nothing.
    verdict: str


@dataclass(frozen=True)
class Line:
    """The same score of several runs."""

    #: Name without what stands in brackets, and that.
    name: str
    extractor: str
    of_class: str
    #: In the order of the runs; None: the run has no such score.
    cells: Sequence[Measured | None]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side."""

    sides: Sequence[Side]
    #: Why scores of some may not be compared, one sentence each.
    obstacles: Sequence[str]
    lines: Sequence[Line]
    recipes: Sequence[Difference]
    environments: Sequence[Difference]
    problems: Sequence[str]
    hide: Hider = field(repr=False)

    @property
    def is_phantom(self) -> bool:
        return any(side.record.is_phantom for side in self.sides)

    @property
    def groups(self) -> list[tuple[str, list[Line]]]:
        """Extractor and its lines, in the order in which the first run has them, which is that of its report."""
        return [(name, list(members)) for name, members in groupby(self.lines, lambda line: line.extractor)]

    @property
    def nothing_in_common(self) -> str:
        """Why no score stands beside another, with what each run has; empty where one does."""
        if any(sum(cell is not None for cell in line.cells) > 1 for line in self.lines):
            return ""
        found = []
        for side in self.sides:
            names = dict.fromkeys(score.name for score in side.record.scores or ())
            found.append(f"{side.label} has {', '.join(names) or 'none'}")
        return (
            f"no score is common to two of the runs: {'; '.join(found)}. `ganforge eval RUN --metrics KIND` measures a "
            "run by any evaluator; what `compare` shows are the scores at the end of a run."
        )


def compare_runs(folders: Sequence[Path]) -> Comparison:
    """Scores, recipes and environments of runs. Raises UsageError, and CheckpointError for a folder that is no run."""
    if len(folders) < 2:
        raise UsageError("there is nothing to compare: name two runs or more.")
    twice = [str(path) for path, n in Counter(folder.absolute() for folder in folders).items() if n > 1]
    if twice:
        raise UsageError(f"the run {twice[0]} is named twice.")
    records = [read_run(folder) for folder in folders]
    sides = _sides(records)
    known = [hider(folder, record, None) for folder, record in zip(folders, records, strict=True)]
    return Comparison(
        sides,
        _obstacles(sides),
        _lines(sides),
        [each for each in differences([record.recipe for record in records]) if each.key not in _ASIDE],
        differences([record.environment for record in records]),
        [f"{side.label}: {problem}" for side in sides for problem in side.record.problems],
        Hider.of_all(known),
    )


def overlaid(comparison: Comparison) -> list[Chart]:
    """Losses of all runs, and for each group of runs that may be compared, the score that was taken during training."""
    sides = comparison.sides
    charts = [
        draw("generator", "Loss of the generator", [_series(side, "loss_generator") for side in sides]),
        draw("discriminator", "Losses of the discriminator, real and generated", [_discriminator(s) for s in sides]),
    ]
    scored = dict.fromkeys((side.record.score_name, side.group) for side in sides if side.record.score_name)
    for number, (name, group) in enumerate(scored):
        # the others are there without points, so that each run has the same look in all charts
        members = {side.label for side in sides if (side.record.score_name, side.group) == (name, group)}
        rows = [side.record.rows if side.label in members else () for side in sides]
        series = [Series(s.label, series_of(r, "score"), is_marked=True) for s, r in zip(sides, rows, strict=True)]
        title = f"{name} during the training"
        charts.append(draw(f"score-{number}", f"{title}, held-out images {group}" if group else title, series))
    return [chart for chart in charts if chart is not None]


def last_grids(comparison: Comparison) -> list[tuple[Side, int, Picture]]:
    """The newest sample grid of each run that can be read, with its step."""
    found = []
    for side in comparison.sides:
        for grid in reversed(side.record.grids):
            try:
                found.append((side, grid.step, embed_grid(grid, side.record)))
            except UnusableImage:
                continue
            break
    return found


def _sides(records: Sequence[RunRecord]) -> list[Side]:
    groups: dict[tuple[str, str, str], str] = {}
    sides = []
    seen: Counter[str] = Counter()
    for record in records:
        seen[record.name] += 1
        label = record.name if seen[record.name] == 1 else f"{record.name} ({seen[record.name]})"
        split = at(record.recipe, "split", kind=dict) or {}
        identity = (record.fingerprint, flow(split.get("held_out")), flow(split.get("seed")))
        letter = groups.setdefault(identity, chr(ord("A") + len(groups) % 26)) if record.fingerprint else ""
        sides.append(Side(label, record, letter))
    return sides


def _obstacles(sides: Sequence[Side]) -> list[str]:
    found = [
        f"not comparable: {side.label} doesn't tell which images it was measured against (data.json)."
        for side in sides
        if not side.group
    ]
    firsts = [next(side for side in sides if side.group == group) for group in dict.fromkeys(s.group for s in sides)]
    for one, other in pairwise(side for side in firsts if side.group):
        names = f"{one.label} ({one.group}) and {other.label} ({other.group})"
        if one.record.fingerprint != other.record.fingerprint:
            prints = " and ".join(side.record.fingerprint[:8] for side in (one, other))
            found.append(f"not comparable: {names} have other data (fingerprints {prints}).")
        else:
            splits = [at(side.record.recipe, "split", kind=dict) or {} for side in (one, other)]
            held = " and ".join(f"held_out={split.get('held_out')} seed={split.get('seed')}" for split in splits)
            found.append(f"not comparable: {names} hold out other images of the same data (split: {held}).")
    return found


def _lines(sides: Sequence[Side]) -> list[Line]:
    by_identity = [{(score.name, score.of_class): score for score in side.record.scores or ()} for side in sides]
    identities = dict.fromkeys(identity for found in by_identity for identity in found)
    lines = []
    for name, of_class in identities:
        scores = [found.get((name, of_class)) for found in by_identity]
        cells = [
            None if score is None else Measured(side, score, _verdict(side, score, sides, scores))
            for side, score in zip(sides, scores, strict=True)
        ]
        lines.append(Line(*parts(next(filter(None, scores))), of_class or "", cells))
    return sorted(lines, key=lambda line: [each.extractor for each in lines].index(line.extractor))


def _verdict(side: Side, score: Score, sides: Sequence[Side], scores: Sequence[Score | None]) -> str:
    rivals = [
        other
        for rival, other in zip(sides, scores, strict=True)
        if other is not None and side.group and rival.group == side.group and other.n_real == score.n_real
    ]
    if len(rivals) < 2:
        return ""
    best = min(rivals, key=_distance)
    first = [rival for rival in rivals if _is_same(_distance(rival), _distance(best))]
    if any(score is rival for rival in first):
        if len(first) == 1:
            return "best"
        # values beyond that of real images are no better than it, and yet not the same
        return "equal" if all(_is_same(rival.value, score.value) for rival in first) else "not told apart"
    gap = _distance(score) - _distance(best)
    return "not told apart" if gap <= _APART * math.hypot(*_spreads(score), *_spreads(best)) else ""


def _is_same(one: float, other: float) -> bool:
    """Up to rounding: a value may be a mean."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _distance(score: Score) -> float:
    """How far the value is from that of real images on the worse side; to be better than those is no merit."""
    return score.distance if score.floor is None else max(score.distance, replace(score, value=score.floor).distance)


def _spreads(score: Score) -> tuple[float, float]:
    return score.seed_spread or 0.0, score.spread or 0.0


def _series(side: Side, name: str) -> Series:
    return Series(side.label, series_of(side.record.rows, name))


def _discriminator(side: Side) -> Series:
    rows = [row for row in side.record.rows if {"loss_real", "loss_fake"} <= row.keys()]
    return Series(side.label, [(row["images"], row["loss_real"] + row["loss_fake"]) for row in rows])
