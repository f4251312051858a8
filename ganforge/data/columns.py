"""Which column of a table is likely to hold what: by its name, and by what stands in it."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.listing import folders_in
from ganforge.data.split import SIDES
from ganforge.data.table import ImageFinder, Table, read_table
from ganforge.errors import DataError

#: Words in the names of columns, the likeliest first.
IMAGE = ("image", "file", "filename", "path", "img", "picture", "scan", "name", "id")
LABEL = ("label", "class", "diagnosis", "finding", "target", "grade", "level", "category", "disease", "dx", "severity")
PATIENT = ("patient", "subject", "case", "person", "mrn", "pid")
#: Rows that are looked at, and folders beside the table in which its files are looked for.
_ROWS, _FOLDERS = 200, 50
#: More values than any label has.
_MOST_CLASSES = 100
#: What may stand between two cells beside what is looked for in each table, without what names of files have in them.
_MARKS = "".join(sorted({*string.punctuation, "\t"} - set("._-/\\()\"'"))) + " "


@dataclass(frozen=True)
class Guess:
    """Names of columns, None where none seems to be it, and the folder in which the files of the image column are."""

    image: str | None
    label: str | None
    patient: str | None = None
    split: str | None = None
    root: Path | None = None
    #: Other columns that could be the label as well.
    rivals: tuple[str, ...] = ()


def guess_columns(table: Table) -> Guess:
    """What the columns of a table seem to be. The files are looked for beside it and in the folders beside it."""
    image, root = _images(table)
    rest = [name for name in table.columns if name != image]
    split = next((name for name in rest if _values(table, name) and set(_values(table, name)) <= set(SIDES)), None)
    rest = [name for name in rest if name != split]
    patient = _named(rest, PATIENT)
    labels = _labels(table, [name for name in rest if name != patient])
    label = _named(labels, LABEL) or (labels[0] if labels else None)
    rivals = () if label in _all_named(labels, LABEL) else tuple(name for name in labels if name != label)
    if patient is not None and not all(_values(table, patient)):
        patient = None
    return Guess(image or _named(table.columns, IMAGE), label, patient, split, root, rivals)


def other_separator(table: Table) -> tuple[str, Table] | None:
    """What seems to stand between the cells of a table that was read as one column, and the table that it makes.

    None where there are several columns, or no mark parts the header and all rows into as many cells; a space is the
    last that is tried.
    """
    if len(table.columns) > 1 or not table.rows:
        return None
    (header,) = table.columns
    for mark in sorted(_MARKS, key=lambda mark: (mark == " ", -header.count(mark))):
        number = header.count(mark)
        if number and all(row.cells[header].count(mark) == number for row in table.rows):
            try:
                return mark, read_table(table.file, mark)
            except DataError:  # a column twice, quotes that don't close
                continue
    return None


def as_mapping(table: Table, guess: Guess, separator: str | None = None) -> str:
    """`{kind: csv, root: ..., image: ..., label: ...}` with what seems right, and words in capitals for the rest."""
    from ganforge.fields.scalars import quoted, scalar

    def written(text: str) -> str:
        return text if re.fullmatch(r"[\w./+-]+", text) and scalar(text) == text else quoted(text)

    fields = {
        "kind": "csv",
        "table": str(table.file),
        **({"separator": separator} if separator else {}),
        "root": str(guess.root) if guess.root else "FOLDER",
        "image": guess.image or "COLUMN",
        "label": guess.label or "COLUMN",
        **({"patient": guess.patient} if guess.patient else {}),
    }
    return "{" + ", ".join(f"{key}: {written(value)}" for key, value in fields.items()) + "}"


def _images(table: Table) -> tuple[str | None, Path | None]:
    """The column whose cells are names of files, and where those are; of several, the first of those with most."""
    best: tuple[int, str | None, Path | None] = (0, None, None)
    for root in _roots(table.file.parent):
        finder = ImageFinder(root)
        for name in table.columns:
            cells = _values(table, name)
            found = sum(isinstance(finder.find(cell), Path) for cell in cells if cell)
            if found > best[0]:
                best = (found, name, root)
    number, column, place = best
    return (column, place) if 2 * number >= min(len(table.rows), _ROWS) else (None, None)


def _roots(folder: Path) -> list[Path]:
    try:
        return [folder, *folders_in(folder)[:_FOLDERS]]
    except DataError:  # a closed folder holds nothing that could be used
        return [folder]


def _labels(table: Table, names: Sequence[str]) -> list[str]:
    """Columns with a few values, most of them in several rows."""
    found = []
    for name in names:
        counts = Counter(row.cells[name] for row in table.rows if row.cells[name])
        if 1 < len(counts) <= _MOST_CLASSES and 2 * len(counts) <= counts.total():
            found.append(name)
    return found


def _values(table: Table, name: str) -> list[str]:
    return [row.cells[name] for row in table.rows[:_ROWS]]


def _named(names: Sequence[str], words: Sequence[str]) -> str | None:
    found = _all_named(names, words)
    return found[0] if found else None


def _all_named(names: Sequence[str], words: Sequence[str]) -> list[str]:
    """Names with one of the words in them, ordered by the words: `Patient ID`, `patientId`, `finding_label`."""
    split = {name: re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()) for name in names}
    return [name for word in words for name in names if word in split[name] or f"{word}s" in split[name]]
