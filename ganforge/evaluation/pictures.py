"""Folders of pictures as sets that can be compared: generated or real, with or without classes."""

# N images

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ganforge.data.assemble import FileSet, load_files
from ganforge.data.decode import UnusableImage, size_by_header
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.listing import Listing, entries, existing_folder, folders_in, pictures_in
from ganforge.data.preparation import WholePicture
from ganforge.data.specs import CsvTable, ImageFolder
from ganforge.data.table import read_table
from ganforge.errors import DataError, one_line

#: The table that `ganforge sample` writes.
SAMPLES = "samples.csv"
#: Class of all images of a folder that has no classes.
ALL = "all"
#: Pixels a side to which `--resolution` can bring pictures.
SIDES = range(4, 4096 + 1)


def load_pictures(folder: Path, resolution: int, context: LoadContext) -> LabelledImages:
    """What `ganforge sample` wrote, one sub-folder per class, or pictures without a class.

    Raises DataError; also where pictures lie beside sub-folders of pictures, so that none is left out without a word.
    """
    if SAMPLES in (entry.name for entry in entries(existing_folder(folder)) if entry.is_file()):
        table = CsvTable(root=folder, table=Path(SAMPLES), image="file", label="class")
        return table.load(resolution, context)
    files = pictures_in(folder)
    if not files or any(map(pictures_in, folders_in(folder))):
        return ImageFolder(root=folder).load(resolution, context)
    names = tuple(file.name for file in files)
    listing = Listing(tuple(files), (0,) * len(files), names, names)
    found = FileSet(listing, (ALL,), WholePicture("crop"), folder.resolve().name)
    return load_files(found, resolution, context)


def side_of_first(folder: Path) -> int:
    """Shorter side, in pixels, of the first picture in a folder or its sub-folders.

    Raises DataError; also for a side to which pictures can't be brought.
    """
    for place in (existing_folder(folder), *folders_in(folder)):
        for file in pictures_in(place):
            try:
                side = min(size_by_header(file))
            except UnusableImage as reason:
                raise DataError(f"{file} {reason}.") from reason
            if side not in SIDES:
                raise DataError(
                    f"{file} is {side} pixels a side, and images of {SIDES[0]} to {SIDES[-1]} can be compared. "
                    f"Say with --resolution to how many pixels both sides are brought."
                )
            return side
    raise DataError(f"{folder} holds no picture, nor do its sub-folders.")


def in_classes_of(real: LabelledImages, fake: LabelledImages) -> LabelledImages:
    """The generated images with the labels that the real ones have for the same class names.

    Raises DataError where a class of theirs is none of the real ones.
    """
    known = {name: label for label, name in enumerate(real.card.classes)}
    used = [fake.card.classes[label] for label in sorted(set(fake.labels.tolist()))]
    if unknown := [name for name in used if name not in known]:
        theirs, ours, odd = map(one_line, (", ".join(used), ", ".join(known), unknown[0]))
        raise DataError(
            f"{fake.card.name} has the classes {theirs}, but {real.card.name} has {ours}: "
            f"'{odd}' is none of them. Name them alike, or put one side's pictures into one folder without "
            f"classes."
        )
    labels = np.array([known[fake.card.classes[label]] for label in fake.labels], dtype=np.int64)
    return replace(fake, labels=labels, card=replace(fake.card, classes=real.card.classes))


def without_classes(images: LabelledImages) -> LabelledImages:
    """The same images, all of one class."""
    return replace(images, labels=np.zeros_like(images.labels), card=replace(images.card, classes=(ALL,)))


def sampling_caveats(folder: Path) -> tuple[str, ...]:
    """What `ganforge sample` wrote about how the images came about, where that changes what scores mean."""
    if not (folder / SAMPLES).is_file():
        return ()
    rows = [row.cells for row in read_table(folder / SAMPLES).rows]
    truncations = sorted({row["truncation"] for row in rows if row.get("truncation", "1.0") != "1.0"})
    caveats = (
        [f"sampled with truncation {', '.join(truncations)}: less diverse than the generator is"] if truncations else []
    )
    if any(row.get("trained_on") == "phantoms" for row in rows):
        caveats.append("the generator was trained on phantoms, drawn by a program")
    return tuple(caveats)
