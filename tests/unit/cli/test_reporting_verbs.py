"""report and compare: what they write, print and refuse."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result

from ganforge.evaluation.score import Score
from ganforge.files import write_json
from ganforge.runs.rundir import RunDir

Ganforge = Callable[..., Result]


@pytest.fixture
def run(ganforge: Ganforge, tiny_recipe: Path) -> Path:
    """The folder of a run of 1 + 1 steps."""
    result = ganforge("run", tiny_recipe, "stages[0].steps=1", "stages[1].steps=1", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    return tiny_recipe.parent / "runs" / "00000-tiny"


def test_report_writes_a_page_and_says_where_and_how_large_it_is(ganforge: Ganforge, run: Path, tmp_path: Path) -> None:
    (run / "report.html").unlink()
    result = ganforge("report", run)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(rf"report: {re.escape(str(run))}/report.html \(\d\.\d MB\)\n", result.stdout)
    assert (run / "report.html").read_text().startswith("<!DOCTYPE html>")
    other = tmp_path / "new" / "page.html"
    assert ganforge("report", run, "--out", other).exit_code == 0
    assert other.read_text() == (run / "report.html").read_text()


def test_what_is_missing_is_a_warning_on_standard_error(ganforge: Ganforge, run: Path) -> None:
    (run / "scores.json").write_text("[")
    (run / "checkpoints").rename(run / "moved")
    result = ganforge("report", run)
    assert result.exit_code == 0
    assert [line.split(": ")[1][:24] for line in result.stderr.splitlines()] == [
        "scores.json can't be rea",
        "nothing was drawn from t",
    ]


def test_photographs_get_a_page_of_their_own_with_a_warning(ganforge: Ganforge, run: Path, tmp_path: Path) -> None:
    panel = tmp_path / "pairs.png"
    Image.new("RGB", (20, 10)).save(panel)
    result = ganforge("report", run, "--panel", panel)
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first == "This page holds training images. Keep it as you keep those."
    assert second.startswith(f"report: {run}/report-with-patients.html (")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--port", 8000), 2, "error: --port is for --serve.\n"),
        (("--serve", "--out", "x.html"), 2, "error: --serve writes no file: leave out --out, or --serve.\n"),
        (("--panel", "nowhere.png"), 3, "error: the panel nowhere.png is not there.\n"),
        (("--out", "/dev/null/x.html"), 2, "error: can't write /dev/null/x.html: "),
    ],
)
def test_what_can_not_be_done_is_one_clear_error(
    ganforge: Ganforge, run: Path, words: tuple[object, ...], code: int, message: str
) -> None:
    result = ganforge("report", run, *words)
    assert result.exit_code == code
    assert result.stderr.startswith(message)
    assert result.stdout == ""


def test_a_page_that_can_not_be_written_into_the_run_is_refused_ahead_of_drawing(
    ganforge: Ganforge, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganforge.report.generate.draw_from", None)  # would fail if it were called
    (run / "report.html").unlink()
    (run / "report.html").mkdir()
    result = ganforge("report", run)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: can't write {run / 'report.html'}: it is a folder.")


def test_a_folder_that_is_no_run_is_refused(ganforge: Ganforge, tmp_path: Path) -> None:
    for words in (("report", tmp_path), ("report", tmp_path, "--serve"), ("compare", tmp_path, tmp_path / "x")):
        result = ganforge(*words)
        assert result.exit_code == 5
        assert result.stderr == f"error: {tmp_path} is no folder of a run: it holds no run.json and recipe.yaml.\n"


def test_a_report_that_fails_does_not_fail_the_run(
    ganforge: Ganforge, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("ganforge.report.finishing.draw_sheets", fail)
    result = ganforge("run", tiny_recipe, "stages[0].steps=1", "stages[1].steps=1")
    folder = tiny_recipe.parent / "runs" / "00000-tiny"
    assert result.exit_code == 0
    assert f"warning: no report was written, `ganforge report {folder}` tries again: no ink\n" in result.stdout
    assert RunDir(folder).read_state()["state"] == "finished"
    assert not (folder / "report.html").exists()


def test_who_stops_a_run_while_it_writes_its_report_has_a_finished_run(
    ganforge: Ganforge, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganforge.report.finishing.draw_sheets", lambda *words: os.kill(os.getpid(), signal.SIGTERM))
    result = ganforge("run", tiny_recipe, "stages[0].steps=1", "stages[1].steps=1")
    folder = tiny_recipe.parent / "runs" / "00000-tiny"
    assert result.exit_code == 0
    assert f"warning: stopped before report.html was written; `ganforge report {folder}` writes it.\n" in result.stdout
    assert RunDir(folder).read_state()["state"] == "finished"


def test_compare_shows_scores_and_what_differs(
    ganforge: Ganforge, run: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    again = ganforge("run", tiny_recipe, "stages[0].steps=1", "stages[1].steps=1", "training.batch=3")
    assert again.exit_code == 0, again.stderr
    other = run.parent / "00001-tiny"
    page = tmp_path / "both.html"
    result = ganforge("compare", run, other, "--out", page)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "scores" and lines[2] == "what differs in the recipe"
    assert lines[1].startswith("  no score is common to two of the runs: 00000-tiny has none; ")
    assert lines[3].split() == ["key", "00000-tiny", "00001-tiny"]
    assert lines[4].split() == ["training.batch", "4", "3"]
    assert lines[5].startswith(f"page: {page} (")
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert all(len(line) <= 80 for line in lines[2:5])


def test_compare_tells_scores_apart_or_says_that_they_may_not_be_compared(ganforge: Ganforge, run: Path) -> None:
    score = Score("kd[net@1]", 0.5, 300, 300, spread=0.02, floor=0.01, num_seeds=3, seed_spread=0.01)
    other = run.parent / "00001-other"
    shutil.copytree(run, other)
    write_json(run / "scores.json", [score.as_dict()])
    write_json(other / "scores.json", [{**score.as_dict(), "value": 0.9, "of_class": None}])
    rows = [line.split() for line in ganforge("compare", run, other).stdout.splitlines()[1:5]]
    assert rows == [
        ["run", "value", "seeds", "+-", "draws", "+-", "real", "n"],
        ["kd[net@1]"],
        ["00000-tiny", "0.5", "0.01", "0.02", "0.01", "300", "best"],
        ["00001-other", "0.9", "0.01", "0.02", "0.01", "300"],
    ]
    assert "n: images compared at a time, which may be fewer than all" in ganforge("compare", run, other).stdout
    write_json(other / "scores.json", [score.as_dict()])
    rows = [line.split() for line in ganforge("compare", run, other).stdout.splitlines()[3:5]]
    assert [row[-1] for row in rows] == ["equal", "equal"]
    data = json.loads((other / "data.json").read_text())
    data["card"]["fingerprint"] = "f" * 64
    write_json(other / "data.json", data)
    told = ganforge("compare", run, other).stdout
    assert told.startswith("not comparable: 00000-tiny (A) and 00001-other (B) have other data (fingerprints ")
    assert "best" not in told


def test_serve_shows_the_page_until_ctrl_c(run: Path) -> None:
    command = [sys.executable, "-m", "ganforge", "report", str(run), "--serve"]
    # shells start what runs in the background without the signal of Ctrl-C, tests too
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=heard) as process:  # noqa: PLW1509
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        address = line.removeprefix(f"serving {run} at ").strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address), line
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=30) as answer:
            assert b"Live: the page refreshes itself" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "Ctrl-C ends it\nno longer served\n"
        assert (process.wait(timeout=30), process.stderr.read()) == (0, "")
