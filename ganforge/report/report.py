"""All that the page about a run shows, gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ganforge.data.decode import UnusableImage
from ganforge.errors import DataError
from ganforge.recipe import yaml
from ganforge.recipe.models import Recipe
from ganforge.report import curves, tables
from ganforge.report.chart import Chart
from ganforge.report.citing import Citation, Repetition, citations, repetition
from ganforge.report.folder import RunRecord, at, read_run
from ganforge.report.hiding import Hider, paths_in
from ganforge.report.pictures import Frame, Picture, embed_file, frames
from ganforge.report.sheets import Sheet
from ganforge.training.watchdog import Watchdog


@dataclass(frozen=True)
class Drawn:
    """What was drawn from the run's generator."""

    sheets: Sequence[Sheet] = ()
    #: Which generator it is: `the generator of step 4,000`.
    of: str = ""
    #: Why nothing was drawn.
    missing: str = ""
    #: What a reader must know, such as a checkpoint that is damaged.
    warnings: Sequence[str] = ()
    #: The recipe, if it is valid on this machine.
    recipe: Recipe | None = None


@dataclass(frozen=True)
class Report:
    """A run, ready to be rendered."""

    record: RunRecord
    title: str
    description: str
    #: running, stopped, finished, or what run.json says instead.
    state: str
    error: str
    facts: Sequence[tuple[str, str]]
    frames: Sequence[Frame]
    main_charts: Sequence[Chart]
    more_charts: Sequence[Chart]
    drawn: Drawn
    score_groups: Sequence[tables.ScoreGroup]
    meanings: Sequence[str]
    caveats: Sequence[tables.Caveat]
    confusions: Sequence[tables.Confusion]
    counts: Sequence[tuple[str, int, int]]
    stages: Sequence[tables.StageTable]
    loaded: Sequence[tables.Loaded]
    #: The closest pairs of generated and training images: photographs of patients, only where they were asked for.
    panel: Picture | None
    warnings: Sequence[str]
    problems: Sequence[str]
    citations: Sequence[Citation]
    repetition: Repetition
    recipe_text: str
    hide: Hider = field(repr=False)

    @property
    def is_phantom(self) -> bool:
        return self.record.is_phantom

    def stage_name(self, number: object) -> str:
        """The name of the stage that run.json has under this number, counted from 0; else what stands there."""
        text = str(number)
        place = int(text) if text.isdecimal() else text
        return at(self.record.recipe, "stages", place, "name", kind=str) or text

    @property
    def is_running(self) -> bool:
        return self.state == "running"


def gather(folder: Path, drawn: Drawn, panel: Path | None = None, state: str | None = None) -> Report:
    """What the run folder tells, with what was drawn from its generator.

    panel: a picture of the closest pairs, such as `memorisation` of ganforge-fid writes; state: that of the run, if
    run.json doesn't say it yet. Raises CheckpointError if the folder is that of no run, DataError if the panel can't
    be read.
    """
    record = read_run(folder)
    hide = hider(folder, record, drawn.recipe)
    shown, unreadable = frames(record)
    metrics = curves.metric_charts(record)
    main = [*metrics[:1], curves.score_chart(record), curves.rate_chart(record, drawn.recipe)]
    scores = record.scores or ()
    return Report(
        record=record,
        title=at(record.recipe, "name", kind=str) or record.name,
        description=at(record.recipe, "description", kind=str) or "",
        state=state or at(record.state, "state", kind=str) or "unknown",
        error=at(record.state, "error", kind=str) or "",
        facts=_facts(record),
        frames=shown,
        main_charts=[chart for chart in main if chart is not None],
        more_charts=metrics[1:],
        drawn=drawn,
        score_groups=tables.score_groups(scores),
        meanings=tables.meanings(scores),
        caveats=tables.caveats(scores),
        confusions=tables.confusions(scores),
        counts=tables.class_counts(record),
        stages=tables.stage_tables(record),
        loaded=tables.load_tables(record),
        panel=None if panel is None else _panel(panel),
        warnings=[*_signs(record), *drawn.warnings],
        problems=[*record.problems, *unreadable],
        citations=citations(record, drawn.recipe),
        repetition=repetition(record, hide),
        recipe_text=yaml.dump(hide.recipe(dict(record.recipe))) if record.recipe else "",
        hide=hide,
    )


def hider(folder: Path, record: RunRecord, recipe: Recipe | None) -> Hider:
    """Knows the paths of the run and of this machine that texts of the run may hold."""
    known = {str(folder), str(folder.absolute()), str(Path.home()), str(Path.cwd())}
    if recipe is not None:
        known |= paths_in(recipe.model_dump())
    known |= {path for key in ("root", "labels") if (path := at(record.recipe, "data", key, kind=str))}
    # what one types for the current folder or one below it is no secret, and may be a word of any text
    return Hider(path for path in known if "/" in path or "\\" in path)


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    """The budget, and how much of it was used."""
    steps, batch = sum(steps for _, steps in record.stages), record.batch
    done = int(max([row["step"] for row in record.rows[-1:]] + [grid.step for grid in record.grids[-1:]], default=0))
    facts = []
    if batch and steps:
        facts.append(("Images seen", f"{done * batch:,} of {steps * batch:,}"))
        facts.append(("Steps", f"{done:,} of {steps:,}, batch {batch:,}"))
    else:
        facts.append(("Steps", f"{done:,}"))
    seconds = at(record.state, "seconds", kind=float) or at(record.state, "seconds", kind=int)
    if seconds:
        facts.append(("Time", _duration(seconds)))
    if side := at(record.recipe, "resolution", kind=int):
        facts.append(("Images", f"{side} x {side} pixels"))
    if record.classes:
        facts.append(("Classes", f"{len(record.classes):,}"))
    if counts := tables.class_counts(record):
        trained, held_out = sum(row[1] for row in counts), sum(row[2] for row in counts)
        facts.append(("Trained on", f"{trained:,} images, {held_out:,} held out"))
    return facts


def _duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _signs(record: RunRecord) -> list[str]:
    """What the training's watchdog told, or would have told, of these rows."""
    watchdog, found = Watchdog(), []
    for row in record.rows:
        if {"loss_real", "loss_fake", "spread_real", "spread_fake"} <= row.keys():
            found += [f"Step {row['step']:,.0f}: {warning}" for warning in watchdog.look(row)]
    return found


def _panel(path: Path) -> Picture:
    try:
        return embed_file(path)
    except UnusableImage as reason:
        raise DataError(f"the panel {path} {reason}.") from reason
