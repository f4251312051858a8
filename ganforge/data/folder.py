"""One sub-folder of images per class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganforge.data.decode import SUFFIXES
from ganforge.data.listing import (
    Listing,
    Problems,
    entries,
    existing_folder,
    folders_in,
    is_picture,
    odd_kind,
    pictures_in,
    refuse,
)
from ganforge.data.patients import PatientPattern, patient_of
from ganforge.errors import DataError, did_you_mean, one_line

_LITTER = frozenset({"thumbs.db", "desktop.ini"})  # left by file managers; hidden files are left out as well


def folder_classes(root: Path, classes: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the class folders in natural order, or `classes` if each of them is there. Raises DataError."""
    found = [folder.name for folder in folders_in(existing_folder(root))]
    if not found:
        raise DataError(f"{root} has no sub-folders; an image folder needs one sub-folder of images per class.")
    missing = [f"there is no folder '{name}'.{did_you_mean(name, found)}" for name in classes if name not in found]
    refuse(f"{root} does not hold the classes that were asked for", missing, one_line(f"It holds: {', '.join(found)}."))
    return tuple(classes) or tuple(found)


def list_folders(root: Path, classes: Sequence[str], patient: Sequence[str] = ()) -> Listing:
    """All images of the class folders, ordered by class and name.

    `patient`: patterns that find the patient in a file's stem (`ganforge.data.patients`), the first that fits counts;
    empty: each image is its own group. Problems of the listing: folders without images, files that are no
    images, folders inside class folders, images beside class folders, and stems that no pattern fits.
    Raises DataError for folders that can't be read.
    """
    problems = [
        f"{file.name} lies beside the class folders; move it into one." for file in pictures_in(existing_folder(root))
    ]
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        images = _images_of(root, name, problems)
        files += images
        labels += [label] * len(images)
    names = [file.relative_to(root).as_posix() for file in files]
    patterns = [PatientPattern(text) for text in patient]
    groups = []
    for file, name in zip(files, names, strict=True):
        found = patient_of(file.stem, patterns) if patterns else name
        if found is None:
            problems.append(f"{name}: `patient: {' | '.join(patient)}` finds no patient in '{file.stem}'.")
        groups.append(found or name)
    found_wrong = Problems(f"{root} can't be used as an image folder", tuple(problems))
    return Listing(tuple(files), tuple(labels), tuple(groups), tuple(names), problems=found_wrong)


def _images_of(root: Path, name: str, problems: list[str]) -> list[Path]:
    images = []
    for entry in entries(root / name):
        if entry.name.startswith(".") or entry.name.lower() in _LITTER:
            continue
        if entry.is_dir():
            problems.append(f"{name}/{entry.name} is a folder; images must lie directly in the class folder.")
        elif kind := odd_kind(entry):
            problems.append(f"{name}/{entry.name} is {kind}; take it away.")
        elif not is_picture(entry):
            known = ", ".join(sorted(SUFFIXES))
            problems.append(f"{name}/{entry.name} is no image by its suffix (known: {known}); move it away.")
        else:
            images.append(entry)
    if not images:
        problems.append(
            f"the class folder '{name}' holds no image; fill it, remove it, or select others with `classes`."
        )
    return images
