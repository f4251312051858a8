"""The tables of docs/study.md, from the results that are there."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studies.running import RESULTS

_BEGIN, _END = "<!-- table: {} -->", "<!-- end -->"


def load_results(folder: Path = RESULTS) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def table(results: Sequence[dict[str, Any]], name: str) -> str:
    """A row for each system: final distance, floor, other scores, seeds."""
    rows = dict.fromkeys(result["row"] for result in results if result["table"] == name)
    lines = ["| system | seeds | images | " + " | ".join(_HEADS) + " |", "|---" * (3 + len(_HEADS)) + "|"]
    for row in rows:
        of_row = [result for result in results if (result["table"], result["row"]) == (name, row)]
        cells = [_over_seeds([_score(result, head) for result in of_row]) for head in _HEADS]
        lines.append(f"| {row} | {len(of_row)} | {of_row[0]['images']:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def curve_table(results: Sequence[dict[str, Any]], name: str) -> str:
    """Distance against images seen, mean over the seeds."""
    rows = dict.fromkeys(result["row"] for result in results if result["table"] == name)
    lines: list[str] = []
    for row in rows:
        curves = [result["curve"] for result in results if (result["table"], result["row"]) == (name, row)]
        points = list(zip(*curves, strict=False))
        if not lines:
            lines = ["| images | " + " | ".join(f"{point[0][0]:,}" for point in points) + " |"]
            lines.append("|---" * (len(points) + 1) + "|")
        means = [statistics.fmean(value for _, value in point) for point in points]
        lines.append(f"| {row} | " + " | ".join(f"{mean:.3g}" for mean in means) + " |")
    return "\n".join(lines)


def fill(page: Path, results: Sequence[dict[str, Any]]) -> None:
    """Put the tables between their marks in a page."""
    text = page.read_text(encoding="utf-8")
    for name in ("systems", "paper", "ablation"):
        for mark, content in ((name, table(results, name)), (f"{name} curve", curve_table(results, name))):
            begin = _BEGIN.format(mark)
            if begin in text:
                before, rest = text.split(begin, 1)
                text = f"{before}{begin}\n{content}\n{_END}{rest.split(_END, 1)[1]}"
    page.write_text(text, encoding="utf-8")


#: Column -> start of the score's name.
_HEADS = {
    "kd": "kd[",
    "fd": "fd[",
    "recall": "recall[",
    "coverage": "coverage[",
    "label kappa": "label quadratic kappa[",
}


def _score(result: dict[str, Any], head: str) -> float | None:
    found = [s for s in result["scores"] if s["name"].startswith(_HEADS[head]) and s["of_class"] is None]
    return found[0]["value"] if found else None


def _over_seeds(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    spread = f" +- {statistics.stdev(known):.2g}" if len(known) > 1 else ""
    return f"{statistics.fmean(known):.3g}{spread}"
