"""Samples that several processes write are those of one, also where they were stopped on the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import networks, planned, recipe_data
from numpy.typing import NDArray
from several import ends, start, together
from trainings import contents

from ganforge.listener import Listener
from ganforge.processes.group import ALONE, Processes
from ganforge.samples.folder import SampleFolder
from ganforge.samples.request import Origin
from ganforge.samples.write import write_samples
from ganforge.sampling import Sampler

CLASSES = ("across", "upright")
#: Nine batches of three images, and one of two.
LABELS = np.arange(29) % 2
ORIGIN = Origin(CLASSES, "0123abcd", 40, is_phantom=True, weights="fedc9876")

Fault = Callable[[SampleFolder, int, NDArray[np.uint8]], None]


class Notes(Listener):
    """Keeps what was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def write(processes: Processes, out: Path, listener: Listener | None = None, **options: Any) -> None:
    sampler = Sampler(networks(planned(recipe_data("style")))[0], seed=3, batch=3)
    write_samples(sampler, LABELS, ORIGIN, out, listener or Listener(), processes=processes, **options)


def write_with(processes: Processes, out: Path, fault: Fault, faulty: int) -> None:
    """As `write`; the fault comes in the place of writing the second batch of one process."""
    written, calls = SampleFolder.write, []

    def broken(folder: SampleFolder, batch: int, images: NDArray[np.uint8]) -> None:
        calls.append(batch)
        if len(calls) == 2 and processes.rank == faulty:
            fault(folder, batch, images)
        written(folder, batch, images)

    SampleFolder.write = broken  # type: ignore[method-assign]
    write(processes, out)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "out"
    write(ALONE, out)
    return contents(out)


def write_both(processes: Processes, folder: Path) -> None:
    write(processes, folder / "flat")
    write(processes, folder / "folders", layout="folders")
    again = Notes()
    write(processes, folder / "flat", again)
    assert again.notes == [f"{folder}/flat holds these images already; nothing was done."]


@pytest.mark.parametrize("size", [2, 4])
def test_two_and_four_processes_write_the_files_of_one(size: int, whole: dict[str, bytes], tmp_path: Path) -> None:
    together(size, tmp_path / "meet", write_both, tmp_path)
    assert len(whole) == len(LABELS) + 1
    assert contents(tmp_path / "flat") == whole
    write(ALONE, tmp_path / "alone", layout="folders")
    assert contents(tmp_path / "folders") == contents(tmp_path / "alone")


def kill(folder: SampleFolder, batch: int, images: NDArray[np.uint8]) -> None:
    half = folder.path / folder.request.file(folder.request.batch(batch)[0])
    half.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR tEXtSoftware\0ganforge")
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt(folder: SampleFolder, batch: int, images: NDArray[np.uint8]) -> None:
    os.kill(os.getpid(), signal.SIGINT)


def fill_disk(folder: SampleFolder, batch: int, images: NDArray[np.uint8]) -> None:
    raise OSError(28, "No space left on device")


LOST = (
    "ProcessError: the process of rank {faulty} of 2 ended without a word: killed, or out of memory. What was written "
    "is whole; the same command goes on."
)
FULL = (
    "ElsewhereError: rank 1 of 2 failed: can't write to {out}: No space left on device. It holds no samples.csv and is "
    "incomplete; the same command goes on."
)


@pytest.mark.parametrize(
    ("fault", "faulty", "codes", "said"),
    [
        (kill, 1, [9, -9], LOST),
        (kill, 0, [-9, 9], LOST),
        (interrupt, 1, [130, 130], "RunStopped: stopped by SIGINT"),
        (fill_disk, 1, [2, 2], FULL),
    ],
    ids=["kill 1", "kill 0", "SIGINT", "disk"],
)
def test_a_fault_of_one_ends_both_and_another_number_goes_on_to_the_same_files(
    fault: Fault, faulty: int, codes: list[int], said: str, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert ends(start(2, tmp_path / "broken", write_with, out, fault, faulty)) == codes
    assert (tmp_path / "broken" / f"error_{1 - faulty}").read_text() == said.format(out=out, faulty=faulty)
    assert not (out / "samples.csv").exists()
    there = Notes()
    write(ALONE, out, there)
    (note,) = there.notes
    assert 6 <= int(note.removesuffix(" of 29 images are there already.")) <= 18  # three turns
    assert contents(out) == whole


def test_what_one_process_began_three_finish(whole: dict[str, bytes], tmp_path: Path) -> None:
    children = start(1, tmp_path / "broken", write_alone, tmp_path / "out")
    assert ends(children) == [-signal.SIGKILL]
    together(3, tmp_path / "meet", write, tmp_path / "out")
    assert contents(tmp_path / "out") == whole


def write_alone(processes: Processes, out: Path) -> None:
    assert processes is ALONE
    write_with(processes, out, kill, 0)
