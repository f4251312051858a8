"""What is wrong with a command is told before anything is loaded, drawn or looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ganforge.errors import OutputError, UsageError
from ganforge.files import write_bytes
from ganforge.outputs import expect_free, expect_free_folder, expect_writable

Ganforge = Callable[..., Result]


@pytest.fixture
def run(ganforge: Ganforge, tiny_recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run, of which no generator can be loaded, nor any image be read, any more."""
    assert ganforge("run", tiny_recipe).exit_code == 0

    def late(*_: object, **__: object) -> None:
        raise AssertionError("told too late")

    for name in (
        "ganforge.opening.open_trained",
        "ganforge.report.generate.draw_from",
        "ganforge.data.check.check.check_data",
        "ganforge.preview.contact_sheet",
        "ganforge.data.specs.PictureFiles.load",
        "ganforge.report.comparison.compare_runs",
    ):
        monkeypatch.setattr(name, late)
    return tiny_recipe.parent / "runs" / "00000-tiny"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("sample", "RUN", "--label", "smal", "--out", "HERE/new"), 2, "Did you mean 'small'?"),
        (("sample", "RUN", "--label", "7", "--out", "HERE/new"), 2, "there is no label 7: they go from 0 to 2."),
        (("sample", "RUN/checkpoints/step_00000004", "--label", "7", "--out", "HERE/new"), 2, "there is no label 7"),
        (("sample", "RUN", "--out", "HERE/discs"), 2, "HERE/discs exists and is no empty folder."),
        (("sample", "RUN", "--out", "HERE/tiny.yaml/x"), 2, "can't make the folder HERE/tiny.yaml/x: HERE"),
        (("export", "RUN", "--out", "HERE/discs"), 2, "HERE/discs exists and is no empty folder."),
        (("export", "RUN", "--out", "HERE/x", "--format", "onx"), 2, "there is no format 'onx'. Did you mean 'onnx'?"),
        (("report", "RUN", "--out", "HERE/discs"), 2, "can't write HERE/discs: it is a folder."),
        (("report", "RUN", "--panel", "HERE/discs"), 3, "the panel HERE/discs is not there."),
        (("compare", "RUN", "RUN", "--out", "HERE/tiny.yaml/x"), 2, "can't write HERE/tiny.yaml/x: HERE"),
        (("data", "check", "RUN", "--page", "HERE/discs"), 2, "Choose another file with --page."),
        (("data", "preview", "RUN", "--out", "HERE/discs"), 2, "can't write HERE/discs: it is a folder."),
        (("data", "split", "RUN", "--out", "HERE/discs"), 2, "can't write HERE/discs: it is a folder."),
        (("report", "RUN", "--out", "HERE/tiny.yaml"), 2, "HERE/tiny.yaml exists and was not written by this command."),
        (("compare", "RUN", "RUN", "--out", "HERE/tiny.yaml"), 2, "HERE/tiny.yaml exists and was not written"),
        (("data", "check", "RUN", "--page", "HERE/tiny.yaml"), 2, "HERE/tiny.yaml exists and was not written"),
        (("data", "preview", "RUN", "--out", "HERE/tiny.yaml"), 2, "HERE/tiny.yaml exists and was not written"),
        (("data", "split", "RUN", "--out", "HERE/tiny.yaml"), 2, "HERE/tiny.yaml exists. Choose another file"),
        (("schema", "--out", "HERE/tiny.yaml"), 2, "HERE/tiny.yaml exists and was not written by this command."),
        (("schema", "--out", "HERE/discs"), 2, "can't write HERE/discs: it is a folder."),
    ],
)  # fmt: skip
def test_it_is_told_at_once(ganforge: Ganforge, run: Path, words: tuple[str, ...], code: int, message: str) -> None:
    here = str(run.parents[1])
    recipe = (run.parents[1] / "tiny.yaml").read_bytes()
    result = ganforge(*(word.replace("RUN", str(run)).replace("HERE", here) for word in words))
    assert result.exit_code == code, result.output
    assert message.replace("HERE", here) in result.stderr
    assert not (run.parents[1] / "new").exists()
    assert (run.parents[1] / "tiny.yaml").read_bytes() == recipe


def test_a_page_and_a_schema_may_be_written_anew(ganforge: Ganforge, tiny_images: Path, tmp_path: Path) -> None:
    for words in (
        ("data", "check", tiny_images, "--page", tmp_path / "page.html"),
        ("schema", "--out", tmp_path / "x"),
    ):
        for _ in range(2):
            assert ganforge(*words).exit_code == 0


def test_a_link_to_nothing_is_not_free(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"link exists\. Choose another file with --out\.$"):
        expect_free(tmp_path / "link")
    expect_free(tmp_path / "new.csv")


def test_what_is_free_and_what_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / ".unfinished").touch()
    (tmp_path / "link").symlink_to("nowhere")
    expect_free_folder(tmp_path / "empty")
    expect_free_folder(tmp_path / "new" / "deeper")
    expect_free_folder(tmp_path / "begun", ".unfinished")
    expect_writable(tmp_path / "new" / "page.html")
    with pytest.raises(UsageError, match="File name too long"):
        expect_free_folder(tmp_path / ("x" * 300))
    for taken in ("begun", "link"):
        with pytest.raises(UsageError, match="exists and is no empty folder"):
            expect_free_folder(tmp_path / taken)
    with pytest.raises(OutputError, match=r"it is a folder\. Choose another file with --page\.$"):
        expect_writable(tmp_path / "empty", "--page")


def test_no_device_or_pipe_is_ever_replaced_by_a_file(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("pipe")
    for path in (pipe, link):
        with pytest.raises(OutputError, match="it is a device, a pipe or a socket, not a file"):
            expect_writable(path)
        with pytest.raises(OSError, match="it is a device, a pipe or a socket, not a file"):
            write_bytes(path, b"x")
    assert pipe.is_fifo() and link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe"]


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(UsageError, match=f"{tmp_path} may not be written to. Choose another with --out."):
        expect_free_folder(tmp_path / "new")
    with pytest.raises(OutputError, match=f"{tmp_path} may not be written to"):
        expect_writable(tmp_path / "page.html")
