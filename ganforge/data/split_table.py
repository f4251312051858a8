"""The split of a set as a table, which `kind: csv` reads back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ganforge.data.images import LabelledImages
from ganforge.data.listing import refuse
from ganforge.data.split import HowToSplit, divide
from ganforge.files import not_utf8, write_text


class SplitRow(NamedTuple):
    """One image: its name relative to the root of its set, its class and patient, and its side."""

    image: str
    label: str
    patient: str
    split: str


def split_rows(images: LabelledImages, split: HowToSplit) -> list[SplitRow]:
    """A row for each image, in the order of the set, as a run would divide it.

    Raises DataError with all names of files and folders that no table can hold.
    """
    faults = dict.fromkeys(fault for name in images.names if (fault := _fault_of(name)))
    refuse("a table is UTF-8, and can't hold all names of these files", list(faults))
    sides = divide(images.labels, images.groups, images.sides, split)
    labels = [images.card.classes[label] for label in images.labels]
    return [SplitRow(*row) for row in zip(images.names, labels, images.groups, sides, strict=True)]


def write_split(path: Path, rows: Sequence[SplitRow]) -> None:
    """A CSV file with the columns of SplitRow. It names files, and with them patients."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(SplitRow._fields)
    writer.writerows(rows)
    write_text(path, stream.getvalue())


def _fault_of(name: str) -> str:
    """What is wrong with the first part of an image's name, a folder or the file, that no table can hold."""
    file = PurePosixPath(name)
    folders = [folder.as_posix() for folder in reversed(file.parents)]
    found = (not_utf8(what, path) for what, path in (*(("folder", each) for each in folders), ("file", name)))
    return next(filter(None, found), "")
