"""Room on the disk before a run, and while it writes."""

from __future__ import annotations

import errno
import os
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import planned, recipe_data
from trainings import contents, trainer

from ganforge import execute, files
from ganforge.errors import OutputError
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs import rundir, space
from ganforge.runs.checkpoint import load_newest
from ganforge.runs.rundir import RunDir

Usage = namedtuple("Usage", "total used free")


def with_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(free, 0, free))


def test_a_run_that_its_disk_can_not_hold_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(recipe_data())
    needed = space.needed_bytes(plan)
    with_free(monkeypatch, needed)
    space.expect_space(plan, tmp_path)
    with_free(monkeypatch, needed - 1)
    with pytest.raises(
        OutputError, match=r"^the run will need about 0 MB in .*, but its disk has 0 MB left\. Make room"
    ):
        space.expect_space(plan, tmp_path)


def test_run_makes_no_folder_where_there_is_no_room(
    tiny_recipe: Path, tmp_path: Path, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 10)
    with pytest.raises(OutputError, match=r"^the run will need about"):
        execute.run(load_recipe(tiny_recipe, (), components), Listener(), torch.device("cpu"))
    assert not (tmp_path / "runs").exists()


def test_a_save_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = trainer(recipe_data(), tmp_path)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    faults = iter([errno.EIO, errno.ESTALE])
    fsync = os.fsync

    def failing(handle: int) -> None:
        if number := next(faults, 0):
            raise OSError(number, "fault")
        fsync(handle)

    monkeypatch.setattr(training.run.__class__, "sync_metrics", lambda self: None)
    monkeypatch.setattr("os.fsync", failing)
    training.save()
    assert load_newest(training.run.checkpoints)[0].step == 0


def test_a_run_writes_about_as_much_as_was_foretold(tmp_path: Path) -> None:
    data = recipe_data()
    training = trainer(data, tmp_path)
    training.fit()
    stems = load_newest(training.run.checkpoints)[0].tensors.values()
    values = sum(tensor.numel() * tensor.element_size() for tensors in stems for tensor in tensors.values())
    assert space.needed_bytes(planned(data)) / space.CHECKPOINTS == pytest.approx(values, rel=0.15)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_half_written(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trainer(recipe_data(), tmp_path)
    training.save()
    before = contents(training.run.checkpoints)
    training.step = 1

    def full(*_: Any) -> None:
        raise OSError(number, "is full")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="is full"):
        training.save()
    assert contents(training.run.checkpoints) == before
    assert load_newest(training.run.checkpoints)[0].step == 0


def test_an_error_of_writing_names_the_file_or_the_room_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_free(monkeypatch, 3_000_000)
    full = OSError(errno.ENOSPC, "No space left on device")
    assert space.is_of(full, tmp_path)
    assert str(space.output_error(full, tmp_path)) == (
        f"can't write {tmp_path}: the disk or a quota is full (No space left on device; 3 MB left). "
        "What was saved before is whole; make room and resume."
    )
    closed = OSError(errno.EACCES, "Permission denied", str(tmp_path / "metrics.jsonl"))
    assert space.is_of(closed, tmp_path)
    assert str(space.output_error(closed, tmp_path)).startswith(
        f"can't write {tmp_path / 'metrics.jsonl'}: Permission denied. What was"
    )
    assert not space.is_of(OSError(errno.EACCES, "Permission denied", "elsewhere"), tmp_path)


@pytest.mark.parametrize(("number", "tries"), [(errno.EIO, 4), (errno.ESTALE, 4), (errno.ENOSPC, 1)])
def test_a_fault_that_may_pass_is_tried_again_three_times(
    number: int, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    calls = []

    def failing() -> None:
        calls.append(1)
        raise OSError(number, "fault")

    with pytest.raises(OSError, match="fault"):
        files.retried(failing)
    assert len(calls) == tries
    assert pauses == list(files.PAUSES)[: tries - 1]
    assert files.retried(lambda: 7) == 7


def test_a_row_of_metrics_that_was_half_written_is_written_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, path = RunDir(tmp_path), tmp_path / "metrics.jsonl"

    def twice(write: Callable[[], None]) -> None:
        write()
        path.write_bytes(path.read_bytes()[:-4])  # the first try failed after this
        write()

    run.append_metrics({"step": 1})
    monkeypatch.setattr(rundir, "retried", twice)
    run.append_metrics({"step": 2})
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_any_file_that_is_replaced_whole_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    faults, fsync = iter([errno.EIO, errno.ETIMEDOUT]), os.fsync

    def failing(handle: int) -> None:
        if number := next(faults, 0):
            raise OSError(number, "fault")
        fsync(handle)

    monkeypatch.setattr("os.fsync", failing)
    RunDir(tmp_path).write_state(state="finished")
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
