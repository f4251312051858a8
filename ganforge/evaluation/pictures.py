"""Folders of pictures as sets that can be compared: generated or real, with or without classes."""

# N images

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ganforge.data.assemble import load_listing
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.listing import Listing, existing_folder, is_picture, natural_order
from ganforge.data.preparation import WholePicture
from ganforge.data.specs import ImageFolder, ImageTable
from ganforge.errors import DataError

#: The table that `ganforge sample` writes.
SAMPLES = "samples.csv"
#: Class of all images of a folder that has no classes.
ALL = "all"


def load_pictures(folder: Path, resolution: int, context: LoadContext) -> LabelledImages:
    """What `ganforge sample` wrote, one sub-folder per class, or pictures without a class. Raises DataError."""
    if (existing_folder(folder) / SAMPLES).is_file():
        table = ImageTable(root=folder, table=Path(SAMPLES), image="file", label="class")
        return table.load(resolution, context)
    files = [folder / name for name in natural_order(file.name for file in folder.iterdir() if is_picture(file))]
    if not files:
        return ImageFolder(root=folder).load(resolution, context)
    names = tuple(file.name for file in files)
    listing = Listing(tuple(files), (0,) * len(files), names, names)
    return load_listing(listing, (ALL,), WholePicture("crop"), resolution, context, name=folder.resolve().name)


def side_of_first(folder: Path) -> int:
    """Shorter side, in pixels, of the first picture in a folder or its sub-folders. Raises DataError."""
    inside = existing_folder(folder)
    for place in (inside, *(inside / name for name in natural_order(e.name for e in inside.iterdir() if e.is_dir()))):
        for name in natural_order(file.name for file in place.iterdir() if is_picture(file)):
            try:
                with Image.open(place / name) as picture:
                    return min(picture.size)
            except OSError as error:
                raise DataError(f"{place / name} can't be read as a picture: {error}.") from error
    raise DataError(f"{folder} holds no picture, nor do its sub-folders.")


def in_classes_of(real: LabelledImages, fake: LabelledImages) -> LabelledImages:
    """The generated images with the labels that the real ones have for the same class names.

    Raises DataError where a class of theirs is none of the real ones.
    """
    known = {name: label for label, name in enumerate(real.card.classes)}
    used = [fake.card.classes[label] for label in sorted(set(fake.labels.tolist()))]
    if unknown := [name for name in used if name not in known]:
        raise DataError(
            f"{fake.card.name} has the classes {', '.join(used)}, but {real.card.name} has {', '.join(known)}: "
            f"'{unknown[0]}' is none of them. Name them alike, or put one side's pictures into one folder without "
            f"classes."
        )
    labels = np.array([known[fake.card.classes[label]] for label in fake.labels], dtype=np.int64)
    return replace(fake, labels=labels, card=replace(fake.card, classes=real.card.classes))


def without_classes(images: LabelledImages) -> LabelledImages:
    """The same images, all of one class."""
    return replace(images, labels=np.zeros_like(images.labels), card=replace(images.card, classes=(ALL,)))
