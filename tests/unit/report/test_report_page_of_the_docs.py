"""The commands of docs/report.md."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganforge.cli.main import app
from ganforge.report.live import LivePage

TEXT = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")
COMMANDS = [
    line.split("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]


def test_every_command_does_what_the_page_says(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(page: LivePage) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LivePage, "wait", stop)
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("00000-dr_best", "00001-dr_transfer_cgan"):
        shutil.copytree(made, tmp_path / "runs" / name)
    assert len(COMMANDS) == 7
    for command in COMMANDS:
        words = shlex.split(command.replace("/tmp/", f"{tmp_path}/"))
        assert words.pop(0) == "ganforge"
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, f"{command}\n{result.output}"
    for written in ("page.html", "both.html", "pairs.png", "runs/00000-dr_best/report-with-patients.html"):
        assert (tmp_path / written).stat().st_size > 1000
