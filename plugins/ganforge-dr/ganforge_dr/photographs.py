"""Listings of graded fundus photographs in any of the known layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ganforge.data.folder import list_folders
from ganforge.data.labelled import list_table
from ganforge.data.listing import Listing, existing_folder, folders_in, pictures_in, refuse
from ganforge.errors import DataError
from ganforge_dr.grades import CLASSES, LABELS
from ganforge_dr.layouts import Found, Layout, eyepacs_patient, form_of, grade_folders, recognise, tables_in


@dataclass(frozen=True)
class Photographs:
    """A listing with what the set is called and under which terms it stands."""

    listing: Listing
    set_name: str
    licence: str = "not stated; see the terms of whoever gave the images"
    citation: str = "not stated"


def list_photographs(
    root: Path, layout: Layout, labels: Path | None, allow_missing: bool, warn: Callable[[str], None]
) -> Photographs:
    """All photographs of a set, grouped by patient where the file names tell. Raises DataError."""
    found = recognise(existing_folder(root), layout, labels)
    if found.table is None:
        photographs = Photographs(_from_folders(root), "grade folders")
    else:
        photographs = _from_table(found, allow_missing, warn)
    listing = photographs.listing
    if listing.problems.items:
        return photographs  # they come first
    unknown = sum(eyepacs_patient(file) is None for file in listing.files)
    if unknown:
        warn(
            f"the patient of {unknown} of {len(listing)} images is not known from the file's name (known form: "
            "10_left); each counts as a patient of its own, so two eyes of one patient may be parted."
        )
    absent = [CLASSES[grade] for grade in LABELS.values() if grade not in listing.labels]
    if absent:
        warn(f"no image has grade {', '.join(absent)}.")
    return photographs


def looks_graded(root: Path) -> bool:
    """Whether a folder holds a table of a known form, or only folders 0 to 4 with files named as those of EyePACS.

    Folders 0 to 4 alone don't tell: knees and digits are graded by these numbers too.
    """
    try:
        if any(form_of(table) is not None for table in tables_in(root)):
            return True
        folders = [entry for entry in folders_in(root) if entry.name not in LABELS]
        pictures = [file for grade in grade_folders(root) for file in pictures_in(root / grade)]
    except DataError:
        return False
    return not folders and bool(pictures) and all(eyepacs_patient(file) for file in pictures)


def _from_folders(root: Path) -> Listing:
    """The images of folders 0 to 4. A table beside them must not say otherwise."""
    folders = grade_folders(root)
    others = [
        f"folder '{entry.name}' is none of the grades 0 to 4."
        for entry in sorted(root.iterdir())
        if entry.is_dir() and entry.name not in folders and not entry.name.startswith(".")
    ]
    refuse(f"{root} has folders that are no grades", others, "Move them away, or name a table with `labels: FILE`.")
    listing = list_folders(root, folders)
    grades = tuple(LABELS[folders[label]] for label in listing.labels)
    if listing.problems.items:
        return listing
    listing = replace(listing, labels=grades, groups=tuple(_patient(file, root) for file in listing.files))
    _refuse_contradictions(root, listing)
    return listing


def _refuse_contradictions(root: Path, listing: Listing) -> None:
    """Raise DataError for images of one name in two folders, and for rows of tables in root that say otherwise."""
    problems = []
    place: dict[str, tuple[str, int]] = {}
    for file, name, grade in zip(listing.files, listing.names, listing.labels, strict=True):
        if file.stem in place:
            problems.append(f"{name} has the name of {place[file.stem][0]}; an image has one grade.")
        place.setdefault(file.stem, (name, grade))
    for table in tables_in(root):
        form = form_of(table)
        for row in table.rows if form is not None else ():
            assert form is not None and form.columns.label is not None
            image, said = Path(row.cells[form.columns.image]).name, row.cells[form.columns.label]
            found = place.get(image) or place.get(Path(image).stem)
            if found is not None and said != str(found[1]):
                problems.append(f"{table.file.name} row {row.line}: grade {said} for {found[0]}.")
    refuse(f"{root} contradicts itself", problems, "Correct the table or the folders, or move the table away.")


def _from_table(found: Found, allow_missing: bool, warn: Callable[[str], None]) -> Photographs:
    table, form, root = found.table, found.form, found.images
    assert table is not None and form is not None
    listing = list_table(
        table,
        root,
        form.columns,
        LABELS,
        patient_of=lambda file: _patient(file, root),
        allow_missing=allow_missing,
        warn=warn,
    )
    rejected = sum(row.cells.get("quality") == "2" for row in table.rows) if form.set_name == "EyeQ" else 0
    if rejected:
        warn(f"{rejected} rows of {table.file} have quality 2 (reject); their images are used like all others.")
    return Photographs(listing, form.set_name, form.licence, form.citation)


def _patient(file: Path, root: Path) -> str:
    return eyepacs_patient(file) or file.relative_to(root).as_posix()
