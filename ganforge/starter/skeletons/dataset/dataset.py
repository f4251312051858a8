"""A set of labelled images."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import DatasetSpec
from pydantic import PositiveInt

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages, LoadContext


class Stripes(DatasetSpec):
    """Horizontal and vertical stripes, drawn: put your own pictures in their place."""

    kind: Literal["mylab_stripes"] = "mylab_stripes"
    #: Number of images.
    images: PositiveInt = 40

    @property
    def is_phantom(self) -> bool:
        """True, since a program draws them; false for photographs."""
        return True

    def classes(self) -> tuple[str, ...]:
        return ("horizontal", "vertical")

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        """All images, uint8 (N, 3, resolution, resolution), with labels (N,), patients and names."""
        import numpy as np
        from ganforge.data.images import DatasetCard, LabelledImages

        labels = np.arange(self.images, dtype=np.int64) % 2
        lines = (np.arange(resolution) // 2 % 2).astype(np.uint8)
        pixels = np.zeros((self.images, 3, resolution, resolution), np.uint8)
        for index, label in enumerate(labels):
            pixels[index] = (lines if label else lines[:, None]) * (100 + index % 100)
        names = [f"stripes {index}" for index in range(self.images)]
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        card = DatasetCard("stripes (phantom)", self.classes(), "CC0-1.0", "none: drawn here", True, digest)
        # groups: the patient of each image. Images of one are never both trained on and tested with.
        return LabelledImages(pixels, labels, groups=names, names=names, card=card)
