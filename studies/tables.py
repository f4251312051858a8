"""The tables and curves of docs/study.md, from the results that are there."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studies.running import RESULTS

_BEGIN, _END = "<!-- {} -->", "<!-- end -->"
TABLES = ("systems", "best", "phantom", "blood_cells", "paper", "paper_parts", "ablation")

Result = dict[str, Any]

#: Column -> how the score's name begins; that of ordered classes or else of others.
_HEADS = {
    "kd": ("kd[efficientnet-lite2",),
    "fd": ("fd[efficientnet-lite2",),
    "kd, lite0": ("kd[efficientnet-lite0",),
    "precision": ("precision[",),
    "recall": ("recall[",),
    "coverage": ("coverage[",),
    "label kappa": ("label quadratic kappa[", "label kappa["),
    "kappa of a classifier trained on it": ("quadratic kappa[train on synthetic,", "kappa[train on synthetic,"),
    "memorisation": ("memorisation_ratio[efficientnet-lite2",),
}
#: Columns of the table by class behind the kernel distance of each class: which of a result's scores, and their name.
_TASKS = {
    "AUROC of grades 2 to 4, trained on it": ("scores", "AUROC of 2+3+4[train on synthetic,"),
    "balanced accuracy, trained on equal grades of it": ("scores_on_equal", "balanced accuracy[train on synthetic,"),
    "AUROC, on photographs and it": ("scores", "AUROC of 2+3+4[train on real + synthetic,"),
    "AUROC, on photographs and equal grades": ("scores_on_equal", "AUROC of 2+3+4[train on real + synthetic,"),
    "kappa, trained on photographs and it": ("scores", "quadratic kappa[train on real + synthetic,"),
    "kappa, on photographs and equal grades": ("scores_on_equal", "quadratic kappa[train on real + synthetic,"),
}


def load_results(folder: Path = RESULTS) -> list[Result]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def table(results: Sequence[Result], name: str) -> str:
    """A row for each system, means over its seeds, and one for what real images reach."""
    chosen = [result for result in results if result["table"] == name]
    lines = ["| system | seeds | images | " + " | ".join(_HEADS) + " |", "|---" * (3 + len(_HEADS)) + "|"]
    for row in _rows(chosen):
        of_row = [result for result in chosen if result["row"] == row]
        cells = [_over_seeds([score["value"] for score in _of_all(of_row, head)]) for head in _HEADS]
        lines.append(f"| {row} | {len(of_row)} | {of_row[0]['images']:,} | " + " | ".join(cells) + " |")
    floors = [_floor(_of_all(chosen, head)) for head in _HEADS]
    return "\n".join([*lines, "| *real images* |  |  | " + " | ".join(floors) + " |"])


def class_table(results: Sequence[Result], name: str) -> str:
    """Kernel distance of each class with enough images, and what classifiers learn; ± over draws of the images."""
    chosen = [result for result in results if result["table"] == name]
    distances = [score for result in chosen for score in result["scores"] if score["name"].startswith(_HEADS["kd"])]
    classes = {score["of_class"]: score["n_real"] for score in distances if score["of_class"] is not None}
    heads = [*(f"kd of {each} (n = {n})" for each, n in classes.items()), *_TASKS]
    lines = ["| system | seeds | " + " | ".join(heads) + " |", "|---" * (2 + len(heads)) + "|"]

    def cells(of_row: Sequence[Result], show: Callable[[Sequence[Mapping[str, Any]]], str]) -> list[str]:
        def of(which: str, starts: str, of_class: str | None) -> list[dict[str, Any]]:
            scores = (score for result in of_row for score in result.get(which, ()))
            return [score for score in scores if score["name"].startswith(starts) and score["of_class"] == of_class]

        kd = (of("scores", _HEADS["kd"][0], each) for each in classes)
        tasks = (of(which, starts, None) for which, starts in _TASKS.values())
        return [show(found) for found in (*kd, *tasks)]

    for row in _rows(chosen):
        of_row = [result for result in chosen if result["row"] == row]
        if any(found := cells(of_row, _over_draws)):  # without a label there is nothing by class
            lines.append(f"| {row} | {len(of_row)} | " + " | ".join(found) + " |")
    return "\n".join([*lines, "| *real images* |  | " + " | ".join(cells(chosen, _floor)) + " |"])


def curve_table(results: Sequence[Result], name: str) -> str:
    """Distance against images seen, mean over the seeds."""
    chosen = [result for result in results if result["table"] == name]
    lines: list[str] = []
    for row in _rows(chosen):
        means = _mean_curve([result["curve"] for result in chosen if result["row"] == row])
        if not lines:
            lines = ["| images | " + " | ".join(f"{images:,}" for images, _ in means) + " |"]
            lines.append("|---" * (len(means) + 1) + "|")
        lines.append(f"| {row} | " + " | ".join(f"{value:.3g}" for _, value in means) + " |")
    return "\n".join(lines)


def draw_curves(results: Sequence[Result], name: str, path: Path) -> None:
    """A picture of the same: one line for each run, a colour for each row."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    chosen = [result for result in results if result["table"] == name]
    with rc_context({"svg.hashsalt": "ganforge", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        for number, row in enumerate(_rows(chosen)):
            for result in (result for result in chosen if result["row"] == row):
                label = row if result["seed"] == min(r["seed"] for r in chosen if r["row"] == row) else None
                axes.plot(*zip(*result["curve"], strict=True), color=f"C{number}", label=label)
        axes.set(xlabel="images seen", ylabel="kernel distance, EfficientNet-Lite2", ylim=(0, None))
        axes.legend()
        figure.savefig(path, metadata={"Date": None})


def fill(page: Path, results: Sequence[Result]) -> None:
    """Put the tables for which there are results between their marks in a page."""
    text = page.read_text(encoding="utf-8")
    for name in TABLES:
        if not any(result["table"] == name for result in results):
            continue
        for what, make in (("table", table), ("classes", class_table), ("curve", curve_table)):
            begin = _BEGIN.format(f"{what}: {name}")
            if begin in text:
                before, rest = text.split(begin, 1)
                text = f"{before}{begin}\n\n{make(results, name)}\n\n{_END}{rest.split(_END, 1)[1]}"
    page.write_text(text, encoding="utf-8")


def _rows(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(result["row"] for result in results))


def _of_all(results: Iterable[Result], head: str) -> list[dict[str, Any]]:
    """The score of all classes together, of each run that has it."""
    scores = (score for result in results for score in result["scores"])
    return [score for score in scores if score["name"].startswith(_HEADS[head]) and score["of_class"] is None]


def _over_seeds(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.3g}{spread}"


def _over_draws(scores: Sequence[Mapping[str, Any]]) -> str:
    """Mean over the seeds, ± the spread over draws of the images."""
    if not scores:
        return ""
    value, spread = (statistics.fmean(score[key] for score in scores) for key in ("value", "spread"))
    return f"{value:.3g} ± {spread:.2g}"


def _floor(scores: Sequence[Mapping[str, Any]]) -> str:
    """The value on real images, ± its spread over draws of them; the same for all runs."""
    first = next((score for score in scores if score["floor"] is not None), None)
    if first is None:
        return ""
    spread = first.get("floor_spread")
    return f"{first['floor']:.3g}" + ("" if spread is None else f" ± {spread:.2g}")


def _mean_curve(curves: Sequence[Sequence[Sequence[float]]]) -> list[tuple[int, float]]:
    points = zip(*curves, strict=False)
    return [(int(point[0][0]), statistics.fmean(value for _, value in point)) for point in points]
