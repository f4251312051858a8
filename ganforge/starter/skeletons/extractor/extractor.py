"""Features of images, which evaluators compare."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import ExtractorSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Histogram(ExtractorSpec):
    """Shares of 8 levels of brightness in each channel."""

    kind: Literal["mylab_histogram"] = "mylab_histogram"

    def build(self, device: str) -> Shares:
        return Shares()


class Shares:
    """images: uint8 (N, 3, H, W) -> float32 (N, 24)."""

    name, dim, resizer = "histogram", 24, "none"
    #: Features are kept under it: give another where the code, or the file of a network's weights, is another.
    sha256 = hashlib.sha256(b"shares of 8 equal bins in each channel").hexdigest()

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import numpy as np

        shares = [(images // 32 == level).mean(axis=(2, 3)) for level in range(8)]
        return np.concatenate(shares, axis=1).astype(np.float32)
