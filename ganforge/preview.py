"""A sheet of pictures by class: as they are, as they are prepared, and as training sees them."""

# H W pixels

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ganforge.data.decode import decode
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.reading import AS_IT_STANDS, Reading
from ganforge.interfaces import AugmentationSpec
from ganforge.pictures import from_uint8, to_uint8, writable
from ganforge.randomness import Draws
from ganforge.recipe.data import DataRecipe

_CELL, _GAP, _LINE = 128, 4, 20


def contact_sheet(recipe: DataRecipe, context: LoadContext, each: int) -> NDArray[np.uint8]:
    """(H, W, 3): for each class up to `each` pictures side by side, spread evenly over the class.

    Rows: the pictures as they are, where they are in files; prepared; and augmented, where the recipe augments.
    """
    images = recipe.data.load(recipe.resolution, context)
    files = recipe.data.files(context)
    paths = dict(zip(files.listing.names, files.listing.files, strict=True)) if files else {}
    reading = files.reading if files else AS_IT_STANDS
    cell = max(_CELL, recipe.resolution)
    strips: list[Image.Image] = []
    for label, name in enumerate(images.card.classes):
        members = np.flatnonzero(images.labels == label)
        chosen = members[np.linspace(0, len(members) - 1, min(each, len(members))).astype(int)]
        strips.append(_line(f"{writable(name, f'label {label}')} ({len(members):,})", each, cell))
        if paths:
            strips.append(_strip([_as_it_is(paths[images.names[i]], reading, cell) for i in chosen], each, cell))
        prepared = images.images[chosen]
        strips.append(_strip([_picture(image, cell) for image in prepared], each, cell))
        if recipe.augmentations and len(chosen):
            augmented = _augmented(prepared, recipe.augmentations, recipe.seed, chosen.tolist())
            strips.append(_strip([_picture(image, cell) for image in augmented], each, cell))
    rows = ["as they are"] * bool(paths) + ["prepared"] + ["augmented"] * bool(recipe.augmentations)
    strips.insert(0, _line(f"{_title(images)}; rows: {', '.join(rows)}", each, cell))
    sheet = Image.new("RGB", (strips[0].width, sum(strip.height + _GAP for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + _GAP
    return np.asarray(sheet)


def _title(images: LabelledImages) -> str:
    return writable(images.card.name, "phantoms") if images.card.is_phantom else "real pictures: don't share"


def _augmented(
    images: NDArray[np.uint8], augmentations: Sequence[AugmentationSpec], seed: int, numbers: list[int]
) -> NDArray[np.uint8]:
    changed = from_uint8(torch.from_numpy(np.ascontiguousarray(images)))
    for index, spec in enumerate(augmentations):
        changed = spec.build()(changed, Draws(seed, f"augment real {index}", numbers, changed.device))
    return to_uint8(changed.detach())


def _as_it_is(file: Path, reading: Reading, cell: int) -> Image.Image:
    image = decode(file, at_least=2 * cell, reading=reading)
    image.thumbnail((cell, cell))
    return _enlarged(image, cell)


def _picture(image: NDArray[np.uint8], cell: int) -> Image.Image:
    return _enlarged(Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))), cell)


def _enlarged(picture: Image.Image, cell: int) -> Image.Image:
    """By a whole factor, so that pixels stay pixels."""
    factor = cell // max(picture.size)
    size = (picture.width * factor, picture.height * factor)
    return picture.resize(size, Image.Resampling.NEAREST) if factor > 1 else picture


def _strip(pictures: Sequence[Image.Image], each: int, cell: int) -> Image.Image:
    strip = Image.new("RGB", (each * (cell + _GAP) - _GAP, cell), "white")
    for index, picture in enumerate(pictures):
        strip.paste(picture, (index * (cell + _GAP) + (cell - picture.width) // 2, (cell - picture.height) // 2))
    return strip


def _line(text: str, each: int, cell: int) -> Image.Image:
    strip = Image.new("RGB", (each * (cell + _GAP) - _GAP, _LINE), "white")
    font = ImageFont.load_default(14)
    ImageDraw.Draw(strip).text((2, 1), text, fill="black", font=font)
    return strip
