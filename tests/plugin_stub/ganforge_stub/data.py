"""A dataset that needs no files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import PositiveInt

from ganforge.interfaces import DatasetSpec

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages, LoadContext


class StubStripes(DatasetSpec):
    """Stripes, either across or upright, whose brightness tells the images apart."""

    kind: Literal["stub_stripes"] = "stub_stripes"
    images: PositiveInt = 12

    def classes(self) -> tuple[str, ...]:
        return ("across", "upright")

    @property
    def is_phantom(self) -> bool:
        return True

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        import numpy as np

        from ganforge.data.images import DatasetCard, LabelledImages

        labels = np.arange(self.images, dtype=np.int64) % 2
        stripes = np.arange(resolution) // 2 % 2
        pixels = np.zeros((self.images, 3, resolution, resolution), np.uint8)
        for index, label in enumerate(labels):
            pixels[index] = (stripes if label else stripes[:, None]) * (100 + index % 100)
        names = [f"stripes {index}" for index in range(self.images)]
        card = DatasetCard("stripes (phantom)", self.classes(), "CC0-1.0", "none", True, f"stripes {self.images}")
        return LabelledImages(pixels, labels, names, names, card)
