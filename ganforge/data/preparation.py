"""From a file to the pixels that networks see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ganforge.data.decode import MAX_PIXELS, MissingReader, UnusableImage, decode
from ganforge.data.prepared import Made
from ganforge.data.reading import AS_IT_STANDS, Reading
from ganforge.data.resize import resize_area, square_box
from ganforge.errors import DataError


class Preparation(Protocol):
    """What happens to each file of a set: a pure function of the file, importable by name and picklable."""

    def options(self) -> str:
        """Everything that changes pixels, as text; part of the key of the prepared images."""

    def __call__(self, file: Path, resolution: int) -> Made:
        """The image of one file. Raises UnusableImage with the reason."""


@dataclass(frozen=True)
class WholePicture:
    """The centred square of a picture ("crop"), or the picture on a black square ("pad")."""

    fit: Literal["crop", "pad"] = "crop"
    reading: Reading = AS_IT_STANDS

    def options(self) -> str:
        return f"whole picture, {self.fit}{self.reading.options()}"

    def __call__(self, file: Path, resolution: int) -> Made:
        image = decode(file, at_least=2 * resolution, reading=self.reading)
        box = square_box(image.width, image.height, self.fit)
        if (box[2] - box[0]) ** 2 > MAX_PIXELS:
            raise UnusableImage(f"is {image.width} x {image.height} pixels, too long to be padded to a square")
        return Made(resize_area(image, box, resolution), source_side=box[2] - box[0])


@dataclass(frozen=True)
class PrepareFile:
    """A preparation at one resolution, with the reason of a refusal as part of what comes back.

    Raises DataError where a package is missing: that says nothing against the file.
    """

    preparation: Preparation
    resolution: int

    def __call__(self, file: Path) -> Made:
        try:
            return self.preparation(file, self.resolution)
        except MissingReader as error:
            raise DataError(f"{file} {error}") from None
        except UnusableImage as error:
            return Made(None, reason=str(error))
