"""The pages about Python, exports and trackers, and the notebook: what they show runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import STUB, finished_run, recipe_file
from typer.testing import CliRunner

import ganforge
from ganforge.cli.main import app
from ganforge.plugins import load

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "docs" / "notebooks" / "first_run.ipynb"


def blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def execute(sources: list[str], name: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "page"}
    for number, source in enumerate(sources):
        exec(compile(source, f"{name}[{number}]", "exec"), namespace)
    return namespace


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has the recipes."""
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("workplace")
def test_the_page_on_python_runs_from_training_to_export() -> None:
    found = execute(blocks("python.md", "python"), "python.md")
    assert found["tensor"].shape == (4, 3, 64, 64)
    assert found["scores"][0].name.startswith("kd[")


def test_the_notebook_runs_and_holds_no_output(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(NOTEBOOK.parent)
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 6
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    found = execute(["".join(cell["source"]) for cell in cells], NOTEBOOK.name)
    assert found["images"].shape == (6, 64, 64, 3) and found["card"].is_phantom
    assert "PHANTOM" in found["generator"]._repr_html_() and "license: other" in capsys.readouterr().out


@pytest.mark.usefixtures("workplace")
def test_a_first_run_by_commands_gives_what_the_notebook_gives(tmp_path: Path) -> None:
    lines = [shlex.split(line) for line in "".join(blocks("first_run.md", "sh")).splitlines()]
    verbs = [words[1] for words in lines]
    assert verbs == ["check", "run", "sample", "sample", "eval", "report", "export", "sample"]
    for words in lines:
        result = CliRunner().invoke(app, words[1:])
        assert words[0] == "ganforge" and result.exit_code == 0, result.output
    first = tmp_path / "first"
    assert len(list((first / "samples").glob("*.png"))) == 8
    more = {path.read_bytes() for path in (first / "more").glob("*.png")}
    assert len(more - {path.read_bytes() for path in (first / "samples").glob("*.png")}) == 8
    again = sorted((first / "again").glob("4_*.png"))
    assert len(again) == 6
    assert all(path.read_bytes() == (first / "samples" / path.name).read_bytes() for path in again)
    assert (first / "00000-dr_transfer_cgan" / "report.html").is_file()
    assert "PHANTOM" in (first / "generator" / "README.md").read_text()


@pytest.mark.usefixtures("workplace")
def test_the_page_on_exports_runs(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'ganforge[onnx]'")
    run = finished_run(tmp_path)
    text = "".join(blocks("export.md", "sh")).replace("4 proliferative", "across").replace("3 severe", "upright")
    assert len(text.splitlines()) == 2
    for line in text.splitlines():
        words = [str(run) if word == "RUN" else word for word in shlex.split(line)[1:]]
        result = CliRunner().invoke(app, [*words, "-p", str(STUB)])
        assert result.exit_code == 0, result.output
    found = execute(blocks("export.md", "python"), "export.md")
    assert found["images"].shape == (16, 3, 8, 8)
    assert len(list((tmp_path / "rare" / "across").iterdir())) == 500


def test_the_tracker_of_the_page_is_registered_and_keeps_its_promises(tmp_path: Path) -> None:
    plugin, check = blocks("trackers.md", "python")
    file = tmp_path / "mylab_tracker.py"
    file.write_text(plugin)
    assert load(files=[file])["tracker"].get("mylab_loss_file") is not None
    execute([plugin, check], "trackers.md")


def test_the_recipe_of_the_page_on_trackers_is_valid(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'ganforge[tensorboard]'")
    recipe = recipe_file(tmp_path)
    (lines,) = blocks("trackers.md", "yaml")
    assert "- {kind: tensorboard}" in lines
    run = ganforge.run(
        recipe, {"output.trackers": [{"kind": "tensorboard"}]}, listener=ganforge.Listener(), plugins=[STUB]
    )
    assert list((run / "trackers" / "tensorboard").glob("events.*"))


def test_the_public_functions_pass_a_strict_type_check(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed: pip install 'ganforge[dev]'")
    file = tmp_path / "theirs.py"
    file.write_text(
        "from pathlib import Path\n\nimport numpy as np\nimport numpy.typing as npt\n\nimport ganforge\n\n\n"
        "def images(run: Path) -> npt.NDArray[np.uint8]:\n"
        "    generator: ganforge.TrainedGenerator = ganforge.load(run, device='cpu')\n"
        "    card: ganforge.Card = generator.card\n"
        "    names: tuple[str, ...] = generator.classes\n"
        "    found = generator(names[0], count=card.step, seed=0, truncation=0.5)\n"
        "    generator([0, 1])\n    generator(np.zeros(3, np.int64))\n"
        "    return np.concatenate([found, *generator.batches(None, 2)])\n\n\n"
        "def train() -> list[float]:\n"
        "    run: Path = ganforge.run('a.yaml', {'data.root': Path('b'), 'seed': 1}, listener=ganforge.Listener())\n"
        "    ganforge.export(ganforge.resume(run), 'out', ['onnx'], licence='other')\n"
        "    return [score.value for score in ganforge.score(run, ['kd'])]\n"
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import ganforge\n\nx: int = ganforge.load('run')\nganforge.lod('run')\n")
    config = tmp_path / "mypy.ini"
    # ganforge's own types are what is asked about; torch's take a minute to read
    config.write_text("[mypy]\nstrict = True\nfollow_imports = silent\n[mypy-torch.*]\nfollow_imports = skip\n")
    command = [sys.executable, "-m", "mypy", "--config-file", config.name, file.name, wrong.name]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        'wrong.py:3: error: Incompatible types in assignment (expression has type "TrainedGenerator", '
        'variable has type "int")  [assignment]',
        'wrong.py:4: error: Module has no attribute "lod"; maybe "load"?  [attr-defined]',
        "Found 2 errors in 1 file (checked 2 source files)",
    ], done.stderr
