"""The ways in which public sets of graded fundus photographs lie on disk."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganforge.data.labelled import Columns
from ganforge.data.listing import is_picture
from ganforge.data.table import Table, read_table
from ganforge.errors import DataError
from ganforge_dr.grades import LABELS

Layout = Literal["auto", "folders", "eyepacs", "aptos"]
#: Sub-folders of root in which the images of a table may lie, besides root itself.
IMAGE_FOLDERS = ("train", "images", "train_images")
_EYEPACS_NAME = re.compile(r"(\d+)_(?:left|right)")


@dataclass(frozen=True)
class TableLayout:
    """A published form of label table."""

    layout: Literal["eyepacs", "aptos"]
    set_name: str
    columns: Columns
    header: tuple[str, ...]
    licence: str
    citation: str


_EYEPACS_LICENCE = "terms of the Kaggle competition Diabetic Retinopathy Detection 2015: research, no redistribution"
_EYEPACS_CITATION = (
    "Cuadros & Bresnick 2009, EyePACS: an adaptable telemedicine system for diabetic retinopathy screening, "
    "J Diabetes Sci Technol 3(3)"
)
TABLES = (
    TableLayout(
        "eyepacs",
        "EyeQ",
        Columns("image", "DR_grade"),
        ("image", "quality", "DR_grade"),
        _EYEPACS_LICENCE,
        f"{_EYEPACS_CITATION}; Fu et al. 2019, Evaluation of retinal image quality assessment networks, MICCAI",
    ),
    TableLayout(
        "eyepacs", "EyePACS", Columns("image", "level"), ("image", "level"), _EYEPACS_LICENCE, _EYEPACS_CITATION
    ),
    TableLayout(
        "aptos",
        "APTOS",
        Columns("id_code", "diagnosis"),
        ("id_code", "diagnosis"),
        "terms of the Kaggle competition APTOS 2019 Blindness Detection",
        "Asia Pacific Tele-Ophthalmology Society, APTOS 2019 Blindness Detection, Kaggle",
    ),
)


@dataclass(frozen=True)
class Found:
    """What lies in root: a table of a known form with the folder of its images, or (None) grade folders."""

    table: Table | None
    form: TableLayout | None
    images: Path


def recognise(root: Path, layout: Layout, labels: Path | None) -> Found:
    """The layout of `root`. Raises DataError with what was looked for and what is there, also if it is ambiguous."""
    if layout == "folders" or (layout == "auto" and labels is None and grade_folders(root)):
        if not grade_folders(root):
            raise DataError(f"{root} has no grade folders 0 to 4. {_what_is_there(root)}")
        return Found(None, None, root)
    tables = [read_table(root / labels)] if labels is not None else tables_in(root)
    known = [(table, form) for table in tables if (form := form_of(table)) and layout in ("auto", form.layout)]
    if len(known) > 1:
        names = ", ".join(f"{table.file.name} ({form.set_name})" for table, form in known)
        raise DataError(f"{root} has several tables of labels: {names}. Choose one with `labels: FILE`.")
    if not known:
        looked_for = [
            f"columns {','.join(form.header)} ({form.set_name})" for form in TABLES if layout in ("auto", form.layout)
        ]
        folders = "grade folders 0 to 4, or " if layout == "auto" and labels is None else ""
        where = f"{root / labels}" if labels is not None else f"{root}"
        found = f"Its columns: {','.join(tables[0].columns)}." if labels is not None else _what_is_there(root)
        raise DataError(
            f"{where} is no diabetic retinopathy set that is known. Looked for {folders}a CSV table with the "
            f"{' or '.join(looked_for)}. {found}"
        )
    table, form = known[0]
    return Found(table, form, _image_folder(root))


def grade_folders(root: Path) -> tuple[str, ...]:
    """Those of the folders `0` to `4` that are in root."""
    return tuple(grade for grade in LABELS if (root / grade).is_dir())


def tables_in(root: Path) -> list[Table]:
    """All CSV files that lie directly in root."""
    return [read_table(file) for file in sorted(root.iterdir()) if file.suffix.lower() == ".csv" and file.is_file()]


def form_of(table: Table) -> TableLayout | None:
    """The published form that a table's columns have, if any."""
    return next((form for form in TABLES if set(form.header) <= set(table.columns)), None)


def eyepacs_patient(file: Path) -> str | None:
    """`10` for `10_left.jpeg`; None for a name of another form."""
    match = _EYEPACS_NAME.fullmatch(file.stem)
    return match[1] if match else None


def _image_folder(root: Path) -> Path:
    candidates = [root, *(root / name for name in IMAGE_FOLDERS)]
    holding = [folder for folder in candidates if folder.is_dir() and any(map(is_picture, folder.iterdir()))]
    names = ", ".join(str(folder) for folder in candidates)
    if not holding:
        raise DataError(f"there are no images to the table. Looked in: {names}.")
    if len(holding) > 1:
        found = ", ".join(str(folder) for folder in holding)
        raise DataError(f"several folders hold images: {found}. Keep those of the table in one of: {names}.")
    return holding[0]


def _what_is_there(root: Path) -> str:
    entries = sorted(entry.name + ("/" if entry.is_dir() else "") for entry in root.iterdir())
    if not entries:
        return "The folder is empty."
    rest = f" and {len(entries) - 10} more" if len(entries) > 10 else ""
    return f"Found: {', '.join(entries[:10])}{rest}."
