"""A table of labels with its pictures, found by a look at its columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.data.columns import as_mapping, guess_columns, other_separator
from ganforge.data.listing import entries, folders_in, pictures_in
from ganforge.data.recognised import Recognised
from ganforge.data.table import ImageFinder, Table, read_table
from ganforge.errors import DataError, one_line
from ganforge.files import is_folder

if TYPE_CHECKING:
    from ganforge.data.specs import CsvTable

SUFFIXES = (".csv", ".tsv")


def recognise_table(kind: type[CsvTable], place: Path) -> Recognised | None:
    """A table, or a folder with one table that names its pictures; None for a folder without, or with class folders.

    Raises DataError with what a recipe must say where a table's columns can't be told, and with all rows that are bad.
    """
    from ganforge.data.images import LoadContext

    if is_folder(place):
        tables = [entry for entry in entries(place) if entry.suffix.lower() in SUFFIXES and entry.is_file()]
        if len(tables) != 1 or sum(bool(pictures_in(folder)) for folder in folders_in(place)) > 1:
            return None
        table = read_table(tables[0])
    else:
        table = read_table(place)
    separator = None
    if other := other_separator(table):
        separator, table = other
    guess = guess_columns(table)
    in_folders = guess.image and guess.root and _in_folders(table, guess.image, guess.root)
    if guess.image is None or guess.root is None or (guess.label is None and not in_folders):
        if is_folder(place):
            return None
        raise DataError(
            f"which columns of {place} hold names of files and labels can't be told; they are: "
            f"{one_line(', '.join(table.columns))}. Take a recipe for folders, such as "
            f"recipes/folder_transfer_cgan.yaml, and write into it: data: {as_mapping(table, guess, separator)}"
        )
    fields = {"root": guess.root, "image": guess.image, "label": guess.label, "patient": guess.patient}
    fields |= {"separator": separator}
    root = guess.root.resolve()
    # the table by a path from root where it lies above: a recipe may move with both
    file = table.file.resolve()
    fields |= {"table": file.relative_to(root) if file.is_relative_to(root) else file, "split": guess.split}
    spec = kind.model_validate(fields)
    notes: list[str] = []
    files = spec.files(LoadContext(Path(), warn=notes.append))
    assert files is not None
    files.listing.problems.refuse()
    notes.insert(0, _assumed(guess.image, guess.label, guess.patient))
    if guess.split:
        notes.append(f"the column '{guess.split}' says which pictures are trained on and which are held out.")
    if separator:
        notes.append(f"the cells of {table.file.name} seem to be parted by {separator!r}.")
    if guess.rivals:
        notes.append(f"columns that could be the class as well: {', '.join(guess.rivals)}; change `label` if one is.")
    return Recognised(spec, files.listing, tuple(notes))


def _in_folders(table: Table, image: str, root: Path) -> bool:
    """Whether the files lie in folders of root, several of them, whose names may be their classes."""
    finder = ImageFinder(root)
    found = [finder.find(row.cells[image]) for row in table.rows]
    folders = {file.parent for file in found if isinstance(file, Path)}
    return root not in folders and len(folders) > 1


def _assumed(image: str, label: str | None, patient: str | None) -> str:
    of_class = f"'{label}' for the class" if label else "the folder that each of them lies in for its class"
    told = f"the column '{image}' is taken for the names of the files, {of_class}"
    if patient is None:
        return f"{told}; no column seems to tell the patient: name it with `patient`, or each picture counts as one."
    return f"{told}, and '{patient}' for the patient: never both trained on and tested with."
