"""Images with the labels that a table gives them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.columns import guess_columns
from ganforge.data.decode import SUFFIXES
from ganforge.data.listing import SHOWN, Listing, Problems, natural_order
from ganforge.data.split import SIDES
from ganforge.data.table import ImageFinder, Row, Table
from ganforge.errors import DataError, did_you_mean, one_line

#: What programs write for a value that they don't have (lower case).
BLANKS = frozenset({"", "nan", "na", "n/a", "<na>", "null", "?"})


@dataclass(frozen=True)
class Columns:
    """Which column holds what. Without a patient column, `patient_of` names the group of a file."""

    image: str
    label: str
    patient: str | None = None
    split: str | None = None

    def all(self) -> list[str]:
        return [name for name in (self.image, self.label, self.patient, self.split) if name is not None]


def label_names(table: Table, label: str) -> tuple[str, ...]:
    """The distinct labels of a table, in natural order; blank ones left out. Raises DataError where all are."""
    table.require(label)
    names = natural_order({text for row in table.rows if not is_blank(text := row.cells[label])})
    if not names:
        raise DataError(f"{table.file} has no labels in its column '{label}'.")
    return tuple(names)


def list_table(
    table: Table,
    root: Path,
    columns: Columns,
    labels: Mapping[str, int],
    *,
    extension: str = "",
    patient_of: Callable[[Path], str] | None = None,
    allow_missing: bool = False,
    warn: Callable[[str], None],
) -> Listing:
    """The images of a table, in its order; `labels` maps what the label column may hold to numbers.

    With `allow_missing`, rows without file are left out and counted in a warning. Images that no row names are
    counted in a warning too. Problems of the listing: every bad row (no file, a file twice, a path that leaves root,
    a blank or unknown label, a blank patient, an unknown side of the split), and patients on both sides of the split.
    Raises DataError where a column is missing, or no row has an image.
    """
    table.require(*columns.all())
    finder = ImageFinder(root, extension)
    problems = _Rows(list(table.problems))
    seen: dict[Path, int] = {}
    entries: list[tuple[Path, int, str, str]] = []
    missing: list[str] = []
    suffixes: set[str] = set()  # of these
    for row in table.rows:
        name = row.cells[columns.image]
        found = finder.find(name) if name else "the image's name is blank"
        label = _label(row, columns.label, labels, problems)
        if found is None:
            suffixes.add(Path(name).suffix.lower())
            advice = finder.close_to(name) if len(missing) < SHOWN else ""  # it takes its time
            missing.append(f"row {row.line}: there is no image '{name}{extension}' in {root}.{advice}")
        elif isinstance(found, str):
            problems.add(row, f"{found}.")
        elif found in seen:
            problems.add(row, f"'{name}' stands in row {seen[found]} already.")
        else:
            seen[found] = row.line
            group = _group(row, columns, found, root, patient_of, problems)
            entries.append((found, label, group, _side(row, columns.split, problems)))
    twice = _suffix_twice(extension, suffixes, is_all=not entries)
    if not entries and not problems.items and (allow_missing or not missing):
        raise DataError(f"{table.file} names no image that is in {root}.{twice}")
    if missing and allow_missing:
        warn(f"{len(missing)} of {len(table.rows)} rows of {table.file} have no image in {root} and were left out.")
    unused = finder.unused(list(seen))
    if unused:
        such = one_line(min(unused).name)
        warn(f"{len(unused)} images in {root} are not in {table.file} and are not used, such as {such}.")
    groups = tuple(group for _, _, group, _ in entries)
    sides = tuple(side for *_, side in entries) if columns.split is not None else None
    return Listing(
        tuple(file for file, *_ in entries),
        tuple(label for _, label, _, _ in entries),
        groups,
        tuple(file.relative_to(root).as_posix() for file, *_ in entries),
        sides,
        Problems(
            f"{table.file} can't be used",
            (*problems.in_order([] if allow_missing else missing), *_on_both_sides(groups, sides)),
            ""
            if allow_missing or not missing
            else _way_out(table, finder, columns.image, len(missing), len(entries), twice),
        ),
    )


class _Rows:
    """Problems of rows, to be told in the order of the file."""

    def __init__(self, items: list[str]) -> None:
        self.items = items

    def add(self, row: Row, text: str) -> None:
        self.items.append(f"row {row.line}: {text}")

    def in_order(self, others: list[str]) -> list[str]:
        return sorted([*self.items, *others], key=lambda text: int(text.removeprefix("row ").split(":")[0]))


def is_blank(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.lower() in BLANKS


def _label(row: Row, column: str, labels: Mapping[str, int], problems: _Rows) -> int:
    """The number of the row's class; -1, with a problem, where there is none, so that such a listing is never used."""
    text = row.cells[column]
    if text in labels:
        return labels[text]
    if not text:
        problems.add(row, "the label is blank.")
    elif is_blank(text):
        problems.add(row, f"the label is blank ('{text}').")
    else:
        problems.add(row, f"no class is called '{text}'.{_advice(text, labels)} Classes: {', '.join(labels)}.")
    return -1


def _advice(text: str, labels: Mapping[str, int]) -> str:
    """Spreadsheets write 2.0 where they meant 2."""
    whole = text.removesuffix(".0")
    return f" Did you mean '{whole}'?" if whole in labels else did_you_mean(text, labels)


def _group(
    row: Row,
    columns: Columns,
    file: Path,
    root: Path,
    patient_of: Callable[[Path], str] | None,
    problems: _Rows,
) -> str:
    if columns.patient is None:
        return patient_of(file) if patient_of else file.relative_to(root).as_posix()
    patient = row.cells[columns.patient]
    if is_blank(patient):
        problems.add(row, f"the patient is blank{f' ({patient!r})' if patient else ''}.")
    return patient


def _side(row: Row, column: str | None, problems: _Rows) -> str:
    if column is None:
        return ""
    text = row.cells[column]
    if text not in SIDES:
        problems.add(row, f"the split is '{text}', but must be one of {', '.join(SIDES)}.")
    return text


def _on_both_sides(groups: tuple[str, ...], sides: tuple[str, ...] | None) -> list[str]:
    """A problem for each patient whom the split divides."""
    train, held_out = (
        {group for group, side in zip(groups, sides or (), strict=bool(sides)) if side == wanted}
        for wanted in SIDES[:2]
    )
    return [f"patient '{group}' is in train and in held_out." for group in natural_order(train & held_out)]


def _suffix_twice(extension: str, suffixes: Set[str], is_all: bool) -> str:
    """Whether a suffix is added to names that have one; suffixes: of names without image, all of them if `is_all`."""
    found = sorted(suffixes & SUFFIXES)
    if not extension or not (extension.lower() in found or (is_all and found)):
        return ""
    return f" Names end in {', '.join(found)} already: leave data.extension out."


def _way_out(table: Table, finder: ImageFinder, image: str, num_missing: int, num_found: int, twice: str) -> str:
    """What to do about images that are not there."""
    text = f"{num_found} of {num_found + num_missing} images were found.{twice}"
    guess = guess_columns(table)
    if num_found or guess.root is None:
        part = " If the set is meant to be a part, leave the others out with `allow_missing: true`."
        return text if twice else text + part
    is_here = guess.root.samefile(finder.root)
    if guess.image != image:
        text += f" Names of files seem to stand in another column: data.image={shlex.quote(str(guess.image))}"
    elif is_here and finder.extension and not twice:
        text += f" They are there without {finder.extension}: leave data.extension out."
    if not is_here:
        text += f" They seem to lie in another folder: data.root={shlex.quote(str(guess.root))}"
    return text
