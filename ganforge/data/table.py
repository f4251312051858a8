"""A CSV table that names images and their labels."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.decode import SUFFIXES
from ganforge.data.listing import is_picture
from ganforge.errors import DataError, did_you_mean, one_line
from ganforge.files import expect_file, is_folder

#: What may stand between two cells.
SEPARATORS = (",", ";", "\t", "|")
#: Largest table; one with a million rows has some 50 MB.
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class Row:
    """One row: its line in the file (the header is line 1) and its cells by column, stripped of spaces."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of a CSV file, and what is wrong with those that were left out."""

    file: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[str, ...]

    def require(self, *columns: str) -> None:
        """Raise DataError, with what there is instead, unless all these columns are there."""
        missing = [column for column in columns if column not in self.columns]
        if not missing:
            return
        found = ", ".join(f"'{column}'" for column in self.columns)
        text = " ".join(f"{self.file} has no column '{name}'.{did_you_mean(name, self.columns)}" for name in missing)
        raise DataError(one_line(f"{text} Columns: {found}."))


def read_table(file: Path, separator: str | None = None) -> Table:
    """The table; UTF-8 with or without a byte-order mark, any line ends, blank lines left out.

    separator: the character between two cells; None: of comma, semicolon, tab and bar, the one that makes most columns
    of the header. Rows with more or fewer cells than the header become problems. Raises DataError where the file is
    missing, is no text, or has no header or one that names a column twice.
    """
    text = _text_of(file)
    if separator is None:
        separator = max(SEPARATORS, key=lambda mark: len(_first_row(text, mark)))  # the first one of equals
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, problems = [], []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                problems.append(f"row {reader.line_num}: has {len(cells)} cells, but the header has {len(header)}.")
                continue
            values = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            rows.append(Row(reader.line_num, values))
    except csv.Error as error:
        raise DataError(f"{file}:{reader.line_num} is no CSV: {error}.") from error
    if not any(header):
        raise DataError(f"{file} is empty; its first line must name the columns.")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise DataError(one_line(f"{file} names the column '{twice[0]}' more than once."))
    return Table(file, tuple(header), tuple(rows), tuple(problems))


def _text_of(file: Path) -> str:
    missing = f"{file} is a folder, but must be a CSV file." if is_folder(file) else f"there is no table {file}."
    expect_file(file, missing, DataError)
    if file.stat().st_size > MAX_BYTES:
        raise DataError(f"{file} is larger than {MAX_BYTES // 1_000_000} MB, which no table of labels is.")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file} is not UTF-8 (byte {error.start}); save it as CSV in UTF-8.") from error


def _first_row(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:  # it is told, with its line, by whoever reads all rows
        return []


class ImageFinder:
    """Finds the files that a table names, with or without suffix, in a folder and its sub-folders."""

    def __init__(self, root: Path, extension: str = "") -> None:
        """extension: what is added to each name, such as `.png`, for tables that leave it out."""
        self.root = root
        self.extension = extension
        self._real_root = Path(os.path.realpath(root))
        self._folders: dict[Path, tuple[dict[str, Path], dict[str, list[Path]]]] = {}

    def find(self, name: str) -> Path | str | None:
        """The file; a reason (one clause) where the name can't be used; None where there is no such file.

        No file outside of root is found: by no absolute path, no `..`, and no link that leads out.
        """
        if "\0" in name:
            return f"{name!r} holds a null character, which no path has"
        relative = self._inside(name)
        if relative is None:
            return f"'{name}' leads out of {self.root}"
        try:
            by_name, by_stem = self._listed(self.root / relative.parent)
        except OSError as error:  # a name that is too long, a folder that is closed
            return f"'{name}' can't be looked for: {error.strerror}"
        found = [by_name[relative.name]] if relative.name in by_name else by_stem.get(relative.name, [])
        if len(found) > 1:
            return f"'{name}' could be any of {', '.join(sorted(file.name for file in found))}; give the suffix"
        if found and not Path(os.path.realpath(found[0])).is_relative_to(self._real_root):
            return f"'{name}' is a link that leads out of {self.root}; put the file itself there"
        return found[0] if found else None

    def close_to(self, name: str) -> str:
        """` Did you mean '10_left.jpg'?` for a name that was not found, or nothing."""
        relative = self._inside(name)
        if relative is None:
            return ""
        by_name, by_stem = self._listed(self.root / relative.parent)
        return did_you_mean(relative.name, by_name if relative.suffix.lower() in SUFFIXES else by_stem)

    def _inside(self, name: str) -> Path | None:
        """The path from root, or None where it leads out of it."""
        relative = Path(os.path.normpath(name + self.extension))
        if relative.is_absolute():
            root = Path(os.path.normpath(self.root.absolute()))
            if not relative.is_relative_to(root):
                return None
            relative = relative.relative_to(root)
        return None if ".." in relative.parts else relative

    def unused(self, used: Sequence[Path]) -> list[Path]:
        """Images in the folders that were searched, without those in `used`."""
        taken = set(used)
        return [file for by_name, _ in self._folders.values() for file in by_name.values() if file not in taken]

    def _listed(self, folder: Path) -> tuple[dict[str, Path], dict[str, list[Path]]]:
        if folder not in self._folders:
            files = [file for file in folder.iterdir() if is_picture(file)] if folder.is_dir() else []
            by_stem: dict[str, list[Path]] = {}
            for file in files:
                by_stem.setdefault(file.stem, []).append(file)
            self._folders[folder] = ({file.name: file for file in files}, by_stem)
        return self._folders[folder]
