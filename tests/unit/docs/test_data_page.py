"""The commands and recipes of docs/data.md do what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from radiographs import save_radiographs
from typer.testing import CliRunner

from ganforge.cli.main import app
from ganforge.data.check import findings
from ganforge.data.images import LoadContext
from ganforge.recipe import yaml
from ganforge.recipe.nodes import Origin
from ganforge.registry import Components

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "data.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]
DATA = [block for block in blocks("yaml") if block.startswith("data:")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `photos` and `xrays` as the page has them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    save_radiographs(tmp_path / "xrays", patients=3)
    random = np.random.default_rng(0)
    for patient in range(10, 22):
        for eye in ("left", "right"):
            file = tmp_path / "photos" / ("healthy", "sick")[patient % 2] / f"{patient}_{eye}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 255, (64, 64, 3), np.uint8)).save(file)
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    return tmp_path


def test_the_page_has_commands_and_sets() -> None:
    assert len(COMMANDS) == 8 and len(DATA) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_works(here: Path, command: str) -> None:
    program, *words = shlex.split(command)
    # what `run` would train, `check` checks
    result = CliRunner().invoke(app, ["check" if word == "run" else word for word in words])
    assert program == "ganforge" and result.exit_code == 0, result.output
    assert not re.search(r"would stop now", result.output)


@pytest.mark.parametrize("text", DATA)
def test_a_set_of_the_page_is_read(here: Path, text: str, components: Components) -> None:
    if "split.csv" in text:
        command = next(command for command in COMMANDS if " split " in command)
        assert CliRunner().invoke(app, shlex.split(command)[1:]).exit_code == 0
    if "xrays" in text:
        text += next(block for block in blocks("yaml") if "window:" in block)
    node = yaml.parse(text, lambda line, column: Origin(Path("page"), line, column)).child("data")
    assert node is not None
    spec = components["dataset"].get(node.plain()["kind"]).model_validate(node.plain())
    images = spec.load(16, LoadContext(here / "cache"))
    assert len(set(images.groups)) in (9, 12) and (images.sides is not None) == ("split.csv" in text)


def test_every_finding_is_on_the_page() -> None:
    named = set(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|(?: wrong| look) \|", PAGE, re.MULTILINE))
    told = {name for group in named for name in re.findall(r"\w+", group)}
    source = "".join(path.read_text() for path in Path(findings.__file__).parent.glob("*.py"))
    made = set(re.findall(r'(?:Finding|_groups)\(\s*"(\w+)"', source)) | {"nearly_black", "nearly_white"}
    assert made - {"note"} == told


def test_a_picture_is_cropped_or_padded_as_the_page_says(tmp_path: Path, components: Components) -> None:
    for name in ("a", "b"):
        (tmp_path / "wide" / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (64, 48), "white").save(tmp_path / "wide" / name / f"{number}.png")
    (said,) = (block for block in blocks("yaml") if "fit:" in block)
    assert said == "  fit: pad   # crop, unless you say otherwise\n"
    folder = components["dataset"].get("image_folder")
    black = {}
    for fit in ({}, {"fit": "pad"}):
        images = folder.model_validate({"root": tmp_path / "wide", **fit}).load(16, LoadContext(tmp_path / "cache"))
        black[bool(fit)] = (np.asarray(images.images[0:1])[0, 0] == 0).all(axis=1).tolist()
    assert black[False] == [False] * 16, "the default is the square inside"
    assert black[True] == [True] * 2 + [False] * 12 + [True] * 2, "the whole picture on the middle of a black square"
