"""How much of their range 16-bit pictures use: the one thing for which a few of them are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganforge.data.decode import UnusableImage, is_dicom, opened

#: Pictures that are decoded, at equal distances among those of 16 bits.
MOST_DECODED = 8


@dataclass(frozen=True)
class Depth:
    """Of the pictures of 16 bits that were decoded: how many, and the largest value in any of them."""

    num_decoded: int
    largest: int


def depth_of(files: Sequence[Path]) -> Depth | None:
    """What a few of the 16-bit pictures among `files` hold; None where there are none, or none of them can be decoded.

    None as well where there are DICOM files, which say themselves what is black and white, unless they are told.
    Damaged pictures are passed over: `ganforge data check` finds all.
    """
    import numpy as np

    if any(_is_dicom(file) for file in files):
        return None
    deep = [file for file in files if _has_sixteen_bits(file)]
    largest = []
    for file in _spread(deep):
        try:
            with opened(file) as image:
                largest.append(int(np.asarray(image).max()))
        except UnusableImage:
            continue
    return Depth(len(largest), max(largest)) if largest else None


def _is_dicom(file: Path) -> bool:
    try:
        return is_dicom(file)
    except UnusableImage:
        return False


def _has_sixteen_bits(file: Path) -> bool:
    """By the header, as `decode` tells them."""
    try:
        with opened(file) as image:
            return image.mode.startswith("I;16")
    except UnusableImage:
        return False


def _spread(files: Sequence[Path]) -> list[Path]:
    """All of few files; of many, the first, the last, and those at equal distances between them."""
    if len(files) <= MOST_DECODED:
        return list(files)
    return [files[round(i * (len(files) - 1) / (MOST_DECODED - 1))] for i in range(MOST_DECODED)]
