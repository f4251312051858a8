"""Samples on the disk: their layout, their table, their marks, and what a kill leaves."""

from __future__ import annotations

import contextlib
import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import networks, planned, recipe_data
from PIL import Image
from trainings import contents

from ganforge.errors import UsageError
from ganforge.listener import Listener
from ganforge.samples import folder as folder_module
from ganforge.samples.request import COLUMNS, Origin, class_folders
from ganforge.samples.write import write_samples
from ganforge.sampling import Sampler

CLASSES = ("across", "upright")
LABELS = np.array([0, 1, 0, 0, 1, 1, 0])
ORIGIN = Origin(CLASSES, "0123abcd", 40, is_phantom=True, weights="fedc9876")


class Killed(Exception):  # noqa: N818 - an event, not an error
    """Raised where a test stops the writing."""


class KillAfter(Listener):
    """Lets some batches through; the notes are kept."""

    def __init__(self, batches: int) -> None:
        self.batches, self.notes = batches, []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, items: Any, total: int, what: str) -> Any:
        for number, item in enumerate(items):
            if number == self.batches:
                raise Killed
            yield item


class KillDrawing(KillAfter):
    """Lets pictures be looked at, and none be drawn."""

    def progress(self, items: Any, total: int, what: str) -> Any:
        if what == "sampling":
            raise Killed
        return super().progress(items, total, what)


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler(networks(planned(recipe_data("style")))[0], seed=3, batch=2)


def write(sampler: Sampler, out: Path, listener: Listener | None = None, **options: Any) -> Path:
    labels = options.pop("labels", LABELS)
    return write_samples(sampler, labels, ORIGIN, out, listener or Listener(), **options)


def test_the_table_says_of_each_image_how_it_was_made(sampler: Sampler, tmp_path: Path) -> None:
    table = write(sampler, tmp_path / "out", first=10)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    assert rows[2] == [
        "1_000011.png",
        "1",
        "upright",
        "3",
        "11",
        "1.0",
        "exact",
        "phantoms",
        "0123abcd",
        "40",
        "fedc9876",
    ]
    assert len(rows) == 1 + len(LABELS)


def test_torchvision_reads_the_folders_as_classes(sampler: Sampler, tmp_path: Path) -> None:
    folder = pytest.importorskip("torchvision.datasets", reason="torchvision is not installed").ImageFolder
    write(sampler, tmp_path / "out", layout="folders")
    found = folder(str(tmp_path / "out"))
    assert found.classes == list(CLASSES)
    assert sorted(found.targets) == sorted(LABELS.tolist())
    assert (tmp_path / "out" / "across" / "000003.png").is_file()


def test_the_layout_changes_no_image(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "flat")
    write(sampler, tmp_path / "folders", layout="folders")
    flat = {path.stem[2:]: path.read_bytes() for path in (tmp_path / "flat").glob("*.png")}
    assert flat == {path.stem: path.read_bytes() for path in (tmp_path / "folders").rglob("*.png")}


def test_threads_change_no_byte(sampler: Sampler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for threads in (1, 3):
        monkeypatch.setattr(folder_module, "suitable_threads", lambda threads=threads: threads)
        write(sampler, tmp_path / f"{threads}")
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


def test_what_the_table_names_is_on_the_disk_and_no_other_disk_waits(
    sampler: Sampler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    fsync = os.fsync

    def told(handle: int) -> None:
        synced.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr("os.fsync", told)
    monkeypatch.setattr("os.sync", lambda: pytest.fail("all disks of the machine are synced"))
    write(sampler, tmp_path / "out", layout="folders")
    found = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert len(found) == 1 + 2 + len(LABELS) + 1
    assert [path for path in found if path.stat().st_ino not in synced] == []


def test_later_latents_go_on_where_others_ended(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "all")
    write(sampler, tmp_path / "rest", labels=LABELS[4:], first=4)
    rest = {name: content for name, content in contents(tmp_path / "rest").items() if name.endswith(".png")}
    assert len(rest) == 3
    assert {name: contents(tmp_path / "all")[name] for name in rest} == rest


@pytest.mark.parametrize("is_phantom", [True, False])
def test_a_picture_says_that_it_is_generated_and_nothing_else(
    sampler: Sampler, tmp_path: Path, is_phantom: bool
) -> None:
    write_samples(sampler, [0], Origin(CLASSES, "0123abcd", 40, is_phantom, "fedc9876"), tmp_path / "out", Listener())
    with Image.open(tmp_path / "out" / "0_000000.png") as picture:
        text = dict(picture.text)  # type: ignore[attr-defined]
        assert set(picture.info) == set(text)
    warning = text.pop("Warning", None)
    assert text == {"Software": "ganforge", "Source": "generated, not a photograph; recipe 0123abcd"}
    assert (warning is not None and warning.startswith("PHANTOM:")) == is_phantom


@pytest.mark.parametrize("layout", ["flat", "folders"])
@pytest.mark.parametrize("batches", range(4))
def test_what_was_killed_goes_on_to_the_same_bytes(sampler: Sampler, tmp_path: Path, batches: int, layout: Any) -> None:
    write(sampler, tmp_path / "whole", layout=layout)
    with pytest.raises(Killed):
        write(sampler, tmp_path / "out", KillAfter(batches), layout=layout)
    assert not (tmp_path / "out" / "samples.csv").exists()
    there = KillAfter(9)
    write(sampler, tmp_path / "out", there, layout=layout)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert there.notes == ([f"{2 * batches} of 7 images are there already."] if batches else [])


def test_a_picture_that_a_kill_left_half_written_is_drawn_again(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "whole")
    with pytest.raises(Killed):
        write(sampler, tmp_path / "out", KillAfter(3))
    picture = tmp_path / "out" / "1_000001.png"
    picture.write_bytes(picture.read_bytes()[:150])
    write(sampler, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_finished_folder_is_left_as_it_is(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    told = KillAfter(9)
    write(sampler, tmp_path / "out", told)
    assert told.notes == [f"{tmp_path}/out holds these images already; nothing was done."]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before


def test_pictures_of_a_finished_folder_that_are_damaged_are_drawn_again(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "whole")
    write(sampler, tmp_path / "out")
    (tmp_path / "out" / "1_000001.png").write_bytes(b"")
    (tmp_path / "out" / "0_000006.png").unlink()
    with pytest.raises(Killed):
        write(sampler, tmp_path / "out", KillDrawing(9))
    assert not (tmp_path / "out" / "samples.csv").exists(), "what it says is not true at the moment"
    write(sampler, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("is_finished", [True, False])
def test_other_weights_of_the_same_recipe_and_step_do_not_go_on(
    is_finished: bool, sampler: Sampler, tmp_path: Path
) -> None:
    with contextlib.suppress(Killed):
        write(sampler, tmp_path / "out", KillAfter(99 if is_finished else 2))
    before = contents(tmp_path / "out")
    with pytest.raises(UsageError, match=r"is no empty folder|another generator"):
        write_samples(sampler, LABELS, replace(ORIGIN, weights="0000"), tmp_path / "out", Listener())
    assert contents(tmp_path / "out") == before


def test_another_request_does_not_go_on_with_a_folder(sampler: Sampler, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        write(sampler, tmp_path / "out", KillAfter(2))
    before = contents(tmp_path / "out")
    with pytest.raises(UsageError, match="holds part of other samples: another generator, seed, number of images"):
        write(sampler, tmp_path / "out", labels=1 - LABELS)
    assert contents(tmp_path / "out") == before


def test_a_file_that_is_not_ours_is_not_written_over(sampler: Sampler, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        write(sampler, tmp_path / "out", KillAfter(2))
    foreign = tmp_path / "out" / "0_000003.png"
    foreign.write_bytes(b"somebody's notes")
    with pytest.raises(UsageError, match="is in the way, and was not written by ganforge"):
        write(sampler, tmp_path / "out")
    assert foreign.read_bytes() == b"somebody's notes"


def test_a_folder_with_other_files_is_refused(sampler: Sampler, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()
    with pytest.raises(UsageError, match=r"exists and is no empty folder\. Choose another with --out\."):
        write(sampler, tmp_path / "out")


def test_finished_samples_of_another_call_are_said_to_be_in_the_way(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(UsageError, match=r"it holds the samples of another call, with another --first, --seed"):
        write(sampler, tmp_path / "out", first=8)
    assert contents(tmp_path / "out") == before
    (tmp_path / "out" / "samples.csv").write_text("somebody's table\n")
    with pytest.raises(UsageError, match=r"exists and is no empty folder\. Choose another with --out\."):
        write(sampler, tmp_path / "out", first=8)


def test_no_two_classes_share_a_folder_and_none_has_the_name_of_the_table() -> None:
    assert class_folders(["label_1", ".."]) == ["label_0", "label_1"]
    assert class_folders(["samples.csv", "b"]) == ["label_0", "b"]


def test_names_that_are_no_folders_become_some() -> None:
    assert class_folders(["0 no DR", "a/b", "..", "CON:", "A_b", "a_B", ""]) == [
        "0 no DR", "label_1", "label_2", "CON_", "label_4", "label_5", "label_6",
    ]  # fmt: skip
    assert class_folders([" a", "b ", "c.", ".d", "caf\udce9"]) == [" a", "b ", "c.", "d", "caf\udce9"]
    assert class_folders([" ", "a", "a "]) == ["label_0", "label_1", "label_2"]
