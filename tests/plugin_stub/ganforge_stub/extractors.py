"""Features without a network."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import ExtractorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StubColours(ExtractorSpec):
    """Mean of each colour."""

    kind: Literal["stub_colours"] = "stub_colours"

    def build(self, device: str) -> Colours:
        return Colours()


class Colours:
    """(N, 3), in [0, 1]."""

    name, sha256, dim, resizer = "colours", hashlib.sha256(b"mean of each colour").hexdigest(), 3, "none"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        return (images.mean(axis=(2, 3), dtype=np.float64) / 255).astype(np.float32)
