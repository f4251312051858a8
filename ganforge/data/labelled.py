"""Images with the labels that a table gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.listing import Listing, natural_order, refuse
from ganforge.data.table import ImageFinder, Row, Table
from ganforge.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Columns:
    """Which column holds what. Without a patient column, `patient_of` names the group of a file."""

    image: str
    label: str
    patient: str | None = None


def label_names(table: Table, label: str) -> tuple[str, ...]:
    """The distinct labels of a table, in natural order; blank ones left out. Raises DataError where all are."""
    table.require(label)
    names = natural_order({row.cells[label] for row in table.rows} - {""})
    if not names:
        raise DataError(f"{table.file} has no labels in its column '{label}'.")
    return tuple(names)


def list_table(
    table: Table,
    root: Path,
    columns: Columns,
    labels: Mapping[str, int],
    *,
    patient_of: Callable[[Path], str] | None = None,
    allow_missing: bool = False,
    warn: Callable[[str], None],
) -> Listing:
    """The images of a table, in its order; `labels` maps what the label column may hold to numbers.

    With `allow_missing`, rows without file are left out and counted in a warning. Images that no row names are
    counted in a warning too. Raises DataError with every bad row: no file, a file twice, a path that leaves
    root, a blank or unknown label, a blank patient.
    """
    table.require(columns.image, columns.label, *([columns.patient] if columns.patient else []))
    finder = ImageFinder(root)
    problems = list(table.problems)
    seen: dict[Path, int] = {}
    entries: list[tuple[Path, int, str]] = []
    missing: list[str] = []
    for row in table.rows:
        name = row.cells[columns.image]
        found = finder.find(name) if name else "the image's name is blank"
        label = _label(row, columns.label, labels, problems)
        if found is None:
            missing.append(f"row {row.line}: there is no image '{name}' in {root}.")
        elif isinstance(found, str):
            problems.append(f"row {row.line}: {found}.")
        elif found in seen:
            problems.append(f"row {row.line}: '{name}' stands in row {seen[found]} already.")
        else:
            seen[found] = row.line
            group = _group(row, columns, found, root, patient_of, problems)
            entries.append((found, label, group))
    if not allow_missing:
        problems += missing
    problems.sort(key=lambda text: int(text.removeprefix("row ").split(":")[0]))
    refuse(f"{table.file} can't be used", problems, _way_out(missing, len(entries), allow_missing))
    if not entries:
        raise DataError(f"{table.file} names no image that is in {root}.")
    if missing:
        warn(f"{len(missing)} of {len(table.rows)} rows of {table.file} have no image in {root} and were left out.")
    unused = finder.unused([file for file, _, _ in entries])
    if unused:
        warn(f"{len(unused)} images in {root} are not in {table.file} and are not used, such as {min(unused).name}.")
    return Listing(
        tuple(file for file, _, _ in entries),
        tuple(label for _, label, _ in entries),
        tuple(group for _, _, group in entries),
        tuple(file.relative_to(root).as_posix() for file, _, _ in entries),
    )


def _label(row: Row, column: str, labels: Mapping[str, int], problems: list[str]) -> int:
    text = row.cells[column]
    if text in labels:
        return labels[text]
    if not text:
        problems.append(f"row {row.line}: the label is blank.")
    else:
        known = ", ".join(labels)
        problems.append(f"row {row.line}: no class is called '{text}'.{did_you_mean(text, labels)} Classes: {known}.")
    return -1


def _group(
    row: Row,
    columns: Columns,
    file: Path,
    root: Path,
    patient_of: Callable[[Path], str] | None,
    problems: list[str],
) -> str:
    if columns.patient is None:
        return patient_of(file) if patient_of else file.relative_to(root).as_posix()
    patient = row.cells[columns.patient]
    if not patient:
        problems.append(f"row {row.line}: the patient is blank.")
    return patient


def _way_out(missing: list[str], num_found: int, allow_missing: bool) -> str:
    if not missing or allow_missing:
        return ""
    text = f"{num_found} of {num_found + len(missing)} images were found."
    return f"{text} If the set is meant to be a part, leave the others out with `allow_missing: true`."
