"""Runs the cells one after the other; what is finished is kept, what was stopped is resumed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ganforge.files import write_json
from ganforge.runs.rundir import RunDir
from studies.cells import JUDGE, Cell, Data

#: Exit codes of a run that was asked to stop, and saved.
STOPPED = (130, 140, 143)
RESULTS = Path(__file__).parent / "results"
#: The same for all cells, whatever their recipes measure.
METRICS = (
    JUDGE,
    "{kind: fd, extractor: {kind: efficientnet_lite2}}",
    "{kind: prdc, extractor: {kind: efficientnet_lite2}}",
    "{kind: memorisation, extractor: {kind: efficientnet_lite2}}",
    # the network through which the discriminator of the best recipe looks
    "{kind: kd}",
)
LABEL_METRICS: dict[Data, tuple[str, ...]] = {
    "fundus": (
        "{kind: label_agreement, extractor: {kind: efficientnet_lite2}}",
        "{kind: downstream, extractor: {kind: efficientnet_lite2}, positive: [2, 3, 4]}",
    ),
    "blood_cells": (
        "{kind: label_agreement, extractor: {kind: efficientnet_lite2}, ordered: false}",
        "{kind: downstream, extractor: {kind: efficientnet_lite2}, ordered: false}",
    ),
}
LABEL_METRICS["phantom"] = LABEL_METRICS["fundus"]


#: Of sets with as many images of each class, which fill up the rare ones.
EQUAL_IMAGES = 1500
EQUAL_METRICS = ("downstream", "memorisation")


def finished(cell: Cell) -> bool:
    return (RESULTS / f"{cell.name}.json").is_file()


def run(cell: Cell, data: str, runs: Path, images: int | None = None) -> bool:
    """Train the cell, or go on with it, measure it, and write its result. Returns whether it came to its end."""
    started = time.monotonic()
    folder = _folder(cell.name, runs)
    is_whole = folder is None
    source = _folder(cell.source, runs) if cell.source else None
    if cell.source and (source is None or not _is_finished(source)):
        print(f"{cell.name} begins from the run of {cell.source}, which is not finished in {runs}")
        return False
    verb = (
        ["run", cell.recipe, *cell.command_overrides(data, source, images), f"output.folder={runs}"]
        if folder is None
        else ["resume", str(folder)]
    )
    runs.mkdir(parents=True, exist_ok=True)
    with _log(cell, runs).open("a", encoding="utf-8") as stream:
        trained = _ganforge(*verb, stdout=stream, stderr=stream)
        folder = _folder(cell.name, runs)
        if trained.returncode in STOPPED:
            raise SystemExit(trained.returncode)
        if trained.returncode != 0 or folder is None:
            print(f"{cell.name}: exit code {trained.returncode}, see {_log(cell, runs)}")
            return False
    return measure(cell, runs, time.monotonic() - started if is_whole else None)


def measure(cell: Cell, runs: Path, seconds: float | None = None) -> bool:
    """Measure a run that is finished, and write its result. Returns whether that could be done.

    seconds: of the training, if it was not interrupted; None: as an earlier result says.
    """
    folder = _folder(cell.name, runs)
    if folder is None or not _is_finished(folder):
        print(f"{cell.name}: there is no finished run of it in {runs}")
        return False
    if seconds is None and finished(cell):
        seconds = json.loads((RESULTS / f"{cell.name}.json").read_text(encoding="utf-8"))["seconds"]
    metrics = (*METRICS, *LABEL_METRICS[cell.data]) if cell.has_label else METRICS
    scores = _scores(cell, runs, metrics)
    on_equal: list[dict[str, Any]] | None = []
    if cell.has_label:
        chosen = [metric for metric in metrics if any(f"kind: {kind}," in metric for kind in EQUAL_METRICS)]
        on_equal = _scores(cell, runs, chosen, "--equal", "--images", str(EQUAL_IMAGES))
    if scores is None or on_equal is None:
        print(f"{cell.name}: could not be measured, see {_log(cell, runs)}")
        return False
    _keep_grid(cell, folder)
    write_json(RESULTS / f"{cell.name}.json", result(cell, folder, scores, on_equal, seconds))
    return True


def _scores(cell: Cell, runs: Path, metrics: Sequence[str], *more: str) -> list[dict[str, Any]] | None:
    """None where it failed."""
    words = [word for metric in metrics for word in ("--metrics", metric)]
    with _log(cell, runs).open("a", encoding="utf-8") as stream:
        run = str(_folder(cell.name, runs))
        measured = _ganforge("eval", run, *words, "--json", *more, stdout=subprocess.PIPE, stderr=stream)
    return json.loads(measured.stdout) if measured.returncode == 0 else None


def result(
    cell: Cell,
    folder: Path,
    scores: list[dict[str, Any]],
    scores_on_equal: list[dict[str, Any]],
    seconds: float | None,
) -> dict[str, Any]:
    """What the tables need of a run. scores_on_equal: of sets with as many images of each class."""
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
        "images": rows[-1]["images"],
        "seconds": seconds,
        "environment": json.loads((folder / "environment.json").read_text(encoding="utf-8")),
        "curve": [[row["images"], row["score"]] for row in rows if "score" in row],
        "scores": scores,
        "scores_on_equal": scores_on_equal,
    }


def _ganforge(*words: str, stdout: Any, stderr: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command; a signal to this program goes on to it, and it is given the time to save."""
    command = [sys.executable, "-m", "ganforge", *words]
    with subprocess.Popen(command, stdout=stdout, stderr=stderr) as process:
        before = signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
        try:
            while True:
                try:
                    out, _ = process.communicate()
                except KeyboardInterrupt:
                    continue  # a terminal sends it to both
                return subprocess.CompletedProcess(command, process.returncode, out)
        finally:
            signal.signal(signal.SIGTERM, before)


def _keep_grid(cell: Cell, folder: Path) -> None:
    """The last grid of generated images, small enough to be kept with the results."""
    newest = max((folder / "samples").glob("step_*.png"))
    Image.open(newest).convert("RGB").save(RESULTS / f"{cell.name}.jpg", quality=85)


def _log(cell: Cell, runs: Path) -> Path:
    return runs / f"{cell.name}.log"


def _folder(cell: str, runs: Path) -> Path | None:
    found = sorted(runs.glob(f"[0-9]*-{cell}"))
    return found[-1] if found else None


def _is_finished(run: Path) -> bool:
    return RunDir(run).read_state().get("state") == "finished"
