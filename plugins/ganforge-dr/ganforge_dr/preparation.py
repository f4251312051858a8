"""From a fundus photograph to a square that its retina fills."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganforge.data.decode import UnusableImage, decode
from ganforge.data.prepared import Made
from ganforge.data.resize import resize_area
from ganforge_dr.retina import find_retina


@dataclass(frozen=True)
class RetinaSquare:
    """The retina, cropped, padded to a square with the background, and resized by area."""

    def options(self) -> str:
        return "retina square, version 1"

    def __call__(self, file: Path, resolution: int) -> Made:
        """The image of one file. Raises UnusableImage with the reason, also where there is no retina."""
        wanted = 2 * resolution
        image = decode(file, at_least=wanted)
        retina = find_retina(image)
        if retina is not None and retina.side < wanted:
            # The retina is small in its picture: decode enough of it, if the file has more than was decoded.
            at_least = wanted * min(image.size) // retina.side + 1
            larger = decode(file, at_least=at_least)
            if larger.size != image.size:
                image, retina = larger, find_retina(larger)
        if retina is None:
            raise UnusableImage("shows no retina: nothing stands out of the background")
        return Made(resize_area(image, retina.box, resolution, retina.background), source_side=retina.side)
