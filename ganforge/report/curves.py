"""The charts of a run, from its metrics and its recipe."""

from __future__ import annotations

from collections.abc import Sequence

from ganforge.evaluation.score import Score
from ganforge.freeze.schedule import Schedule
from ganforge.recipe.models import Recipe
from ganforge.report.chart import Chart, Series, draw
from ganforge.report.folder import Row, RunRecord
from ganforge.report.pictures import evenly

#: First part of a metric's name -> title of its chart. The losses are shown first, the others on demand.
TITLES = {
    "loss": "Losses",
    "logit": "Logits of the discriminator",
    "spread": "Spread of real and generated images",
    "penalty": "Penalties",
}
#: What the words of a metric's name mean, where they say too little on their own.
_LABELS = {"loss_real": "discriminator on real", "loss_fake": "discriminator on generated"}
_NOT_METRICS = frozenset({"step", "images", "score"})
#: Steps of a stage at which its learning rate is asked for.
_RATES = 60


def metric_charts(record: RunRecord) -> list[Chart]:
    """Losses, and other metrics by the first part of their names."""
    names = dict.fromkeys(name for row in record.rows for name in row if name not in _NOT_METRICS)
    kinds: dict[str, list[str]] = {kind: [] for kind in TITLES}
    for name in names:
        kinds.setdefault(name.partition("_")[0], []).append(name)
    charts = []
    for kind, members in kinds.items():
        series = [Series(label(name), series_of(record.rows, name)) for name in members]
        title = TITLES.get(kind, f"Metrics: {kind}")
        chart = draw(kind, title, series, boundaries=boundaries(record), end=_seen(record))
        charts += [chart] if chart else []
    return charts


def label(name: str) -> str:
    """`logit_fake` as `fake`."""
    return _LABELS.get(name) or (name.partition("_")[2] or name).replace("_", " ")


def score_chart(record: RunRecord) -> Chart | None:
    """The score that chooses the best checkpoint, with the same measure between real images if it is known."""
    floor = next((score.floor for score in record.scores or () if is_deciding(record, score)), None)
    series = Series(record.score_name or "score", series_of(record.rows, "score"), is_marked=True)
    level = None if floor is None else ("real images", floor)
    title, marks = "Score during the training", boundaries(record)
    return draw("score", title, [series], boundaries=marks, level=level, end=_seen(record))


def is_deciding(record: RunRecord, score: Score) -> bool:
    """Whether this is the final value of the score that was measured during the training."""
    return score.name == record.score_name and score.of_class is None


def rate_chart(record: RunRecord, recipe: Recipe | None) -> Chart | None:
    """Learning rates over the whole budget, as the recipe's schedule gives them; None without a valid recipe."""
    if recipe is None:
        return None
    batch = recipe.training.batch
    series = []
    for network in ("generator", "discriminator"):
        points, start = [], 0
        for stage in recipe.stages:
            rate = getattr(stage, f"{network}_rate")
            for step in evenly(range(stage.steps), _RATES):
                points.append((float((start + step) * batch), float(rate.at(step, stage.steps))))
            start += stage.steps
        series.append(Series(network, points))
    end = Schedule(recipe.stages).num_steps * batch
    marks, seen = boundaries(record), _seen(record)
    return draw("rate", "Learning rates", series, boundaries=marks, end=float(end), now=seen, from_zero=True)


def _seen(record: RunRecord) -> float:
    """Images that the run has seen."""
    return record.rows[-1]["images"] if record.rows else 0.0


def series_of(rows: Sequence[Row], name: str) -> list[tuple[float, float]]:
    """(images seen, value) of each row that has this metric."""
    return [(row["images"], row[name]) for row in rows if name in row]


def boundaries(record: RunRecord) -> list[tuple[str, float]]:
    """Name of each stage and the images seen at its end, but for the last one."""
    if record.batch is None:
        return []
    found, steps = [], 0
    for name, more in record.stages:
        steps += more
        found.append((name, float(steps * record.batch)))
    return found[:-1]
