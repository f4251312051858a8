"""docs/start.md: every command that it shows, in its order, on drawn pictures with a tiny budget."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ganforge.cli.main import app

PAGE = Path(__file__).parents[2] / "docs" / "start.md"
#: A training that shows the way and no more.
TINY = [
    "stages[0].steps=2",
    "training.batch=4",
    "output.checkpoints_every=2",
    "evaluation={images: 6, seeds: 1, evaluators: [{kind: kd, extractor: {kind: efficientnet_lite2}}]}",
]


def commands() -> list[list[str]]:
    """The words behind `ganforge` of each line in the page's shell blocks."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert all(line[0] == "ganforge" for line in lines)
    return [line[1:] for line in lines]


def test_the_page_goes_from_a_folder_to_scores() -> None:
    assert [words[0] for words in commands()] == ["new", "data", "check", "run", "run", "sample", "eval", "run"]


def test_every_command_of_the_page_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    for name in ("healthy", "pneumonia"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for index in range(20):
            pixels = random.integers(0, 256, (50, 60), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{index}.png")
    for words in commands():
        budget = [*TINY, "--device", "cpu"] if words[0] == "run" else []
        result = CliRunner().invoke(app, [*words, *budget])
        assert (result.exit_code, result.stderr) == (0, ""), words
    assert len(list((tmp_path / "new").glob("**/*.png"))) == 32
    assert (tmp_path / "runs" / "00001-pictures" / "scores.json").is_file()
