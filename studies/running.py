"""Runs the cells one after the other; what is finished is kept, what was stopped is resumed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ganforge.files import write_json
from studies.cells import BATCH, Cell

RESULTS = Path(__file__).parent / "results"


def finished(cell: Cell) -> bool:
    return (RESULTS / f"{cell.name}.json").is_file()


def run(cell: Cell, data_root: str, runs: Path, images: int | None = None) -> bool:
    """Train the cell, or go on with it, and write its result. Returns whether it came to its end."""
    started = time.monotonic()
    folder = _folder(cell, runs)
    verb = (
        ["resume", str(folder)]
        if folder is not None
        else ["run", cell.recipe, *cell.command_overrides(data_root, images), f"output.folder={runs}"]
    )
    log = runs / f"{cell.name}.log"
    runs.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        process = subprocess.run([sys.executable, "-m", "ganforge", *verb], check=False, stdout=stream, stderr=stream)
    folder = _folder(cell, runs)
    if process.returncode != 0 or folder is None:
        print(f"{cell.name}: exit code {process.returncode}, see {log}")
        return False
    is_whole = verb[0] == "run"
    write_json(RESULTS / f"{cell.name}.json", result(cell, folder, time.monotonic() - started if is_whole else None))
    return True


def result(cell: Cell, folder: Path, seconds: float | None) -> dict[str, Any]:
    """What the tables need of a run. seconds: of the whole run, if it was not interrupted."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    state = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return {
        "cell": cell.name,
        "table": cell.table,
        "row": cell.row,
        "seed": cell.seed,
        "recipe": cell.recipe,
        "recipe_hash": state["recipe"],
        "changes": list(cell.overrides),
        "images": rows[-1]["step"] * BATCH,
        "seconds": seconds,
        "environment": json.loads((folder / "environment.json").read_text(encoding="utf-8")),
        "curve": [[row["step"] * BATCH, row["score"]] for row in rows if "score" in row],
        "scores": json.loads((folder / "scores.json").read_text(encoding="utf-8")),
    }


def _folder(cell: Cell, runs: Path) -> Path | None:
    found = sorted(runs.glob(f"[0-9]*-{cell.name}"))
    return found[-1] if found else None
