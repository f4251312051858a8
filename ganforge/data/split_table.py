"""The split of a set as a table, which `kind: csv` reads back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ganforge.data.images import LabelledImages
from ganforge.data.labelled import is_blank
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

    Raises DataError with all names of files, folders, classes and patients that would be read back as others.
    """
    labels = [images.card.classes[label] for label in images.labels]
    patients = [group for group, name in zip(images.groups, images.names, strict=True) if group != name]
    faults = [
        *map(_fault_of_file, images.names),
        *(_fault_of("class", name) for name in labels),
        *(_fault_of("patient", name) for name in patients),
    ]
    refuse("a table can't hold all names of this set", list(dict.fromkeys(filter(None, faults))))
    sides = divide(images.labels, images.groups, images.sides, split)
    return [SplitRow(*row) for row in zip(images.names, labels, images.groups, sides, strict=True)]


def write_split(path: Path, rows: Sequence[SplitRow]) -> None:
    """A CSV file with the columns of SplitRow. It names files, and with them patients."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(SplitRow._fields)
    writer.writerows(rows)
    write_text(path, stream.getvalue())


def _fault_of_file(name: str) -> str:
    """What is wrong with the first part of an image's name that is at fault, a folder or the file."""
    folders = [folder.as_posix() for folder in reversed(PurePosixPath(name).parents)]
    found = (_fault_of(what, path) for what, path in (*(("folder", each) for each in folders), ("file", name)))
    return next(filter(None, found), "")


def _fault_of(what: str, name: str) -> str:
    """What is wrong with the name of a `what`, and the way out; nothing for one that is read as it was written."""
    if fault := not_utf8(what, name):
        return fault
    read_back = ""
    if name != (name.lstrip() if what == "folder" else name.strip()):  # the name of a file follows that of its folder
        read_back = "without the spaces around it"
    elif "\r" in name:  # the csv module writes it without quotes
        read_back = "in two rows"
    elif what in ("class", "patient") and is_blank(name):
        read_back = "as a missing value"
    return f"the {what} '{name}' would be read back {read_back}. Rename it." if read_back else ""
