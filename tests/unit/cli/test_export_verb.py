"""The verb export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runs import STUB, finished_run


def test_export_writes_a_folder_that_sample_takes(ganforge: Any, tmp_path: Path) -> None:
    run, out = finished_run(tmp_path), tmp_path / "generator"
    result = ganforge("export", run, "--out", out, "--licence", "cc0-1.0", "-p", STUB)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "the generator of step 4"
    assert "PHANTOM: these images are drawn by a program; nothing learnt from them is about patients." in lines
    assert lines[-2] == f"folder: {out}"
    assert (out / "README.md").read_text().startswith("---\nlicense: cc0-1.0\nlibrary_name: ganforge\n")
    for source, name in ((run, "a"), (out, "b")):
        assert ganforge("sample", source, "--count", 2, "--out", tmp_path / name, "-p", STUB).exit_code == 0
    pictures = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab"]
    assert pictures[0] == pictures[1]


def test_an_unknown_format_is_refused_with_those_that_exist(ganforge: Any, tmp_path: Path) -> None:
    result = ganforge("export", tmp_path, "--out", tmp_path / "out", "--format", "onx,pickle", "--format", "onnx")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "error: there is no format 'onx'. Did you mean 'onnx'?",
        "there is no format 'pickle'.",
        "Formats: safetensors, onnx, torch_export.",
    ]


def test_a_licence_is_an_identifier(ganforge: Any, tmp_path: Path) -> None:
    result = ganforge("export", tmp_path, "--out", tmp_path / "out", "--licence", "my terms")
    assert result.exit_code == 2
    assert result.stderr == "error: the licence must be an identifier such as cc-by-4.0 or other, but is 'my terms'.\n"


def test_what_is_no_run_is_refused(ganforge: Any, tmp_path: Path) -> None:
    result = ganforge("export", tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 5
    assert result.stderr.startswith(f"error: {tmp_path} holds no generator: it is no folder of a run")
