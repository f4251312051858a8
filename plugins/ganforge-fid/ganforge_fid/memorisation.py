"""Are generated images nearer to the training images than new photographs are?"""

# T training images, H held-out images, M generated images, D features, C=3 channels, H W pixels in (N, C, H, W)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.data.pixels import Pixels
from ganforge.progress import Progress, no_progress
from ganforge_fid.neighbours import Array, Indices, nearest

#: Part of the held-out images whose distances are below the threshold.
QUANTILE = 0.01
#: Held-out images from which this quantile is inside their distances.
MIN_HELD_OUT = 99


@dataclass(frozen=True)
class Nearest:
    """The training image, as it is or mirrored, that is nearest to each of N images."""

    #: (N,), 0 for a copy.
    distances: Array
    #: (N,), of the training image.
    indices: Indices
    #: (N,), whether the mirrored training image is the nearer one.
    is_mirrored: NDArray[np.bool_]


class Mirrored:
    """Pixels as seen in a mirror, left for right."""

    def __init__(self, of: Pixels) -> None:
        self.of, self.shape, self.dtype = of, of.shape, of.dtype

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        return self.of[index][..., ::-1]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (image[..., ::-1] for image in self.of)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)


def nearest_in_pixels(images: Pixels, train: Pixels, progress: Progress = no_progress, what: str = "") -> Nearest:
    """Distances in grey levels, 0 to 255: the root of the mean square over pixels and channels.

    images: (N, 3, H, W), train: (T, 3, H, W). Mirrored is left-right: flips are the commonest augmentation.
    """
    as_is, mirrored = (nearest(images, side, progress, what) for side in (train, Mirrored(train)))
    return _nearer(as_is, mirrored, num_values=int(np.prod(images.shape[1:])))


def nearest_in_features(features: Array, train: Array, mirrored: Array) -> Nearest:
    """Euclidean distances. features: (N, D), train and mirrored: (T, D), of the same images in the same order."""
    centre = train.mean(axis=0)
    return _nearer(nearest(features - centre, train - centre), nearest(features - centre, mirrored - centre))


def _nearer(as_is: tuple[Array, Indices], mirrored: tuple[Array, Indices], num_values: int = 1) -> Nearest:
    is_mirrored = mirrored[0] < as_is[0]
    squares = np.minimum(as_is[0], mirrored[0])
    return Nearest(np.sqrt(squares / num_values), np.where(is_mirrored, mirrored[1], as_is[1]), is_mirrored)


def ratio_and_share(held_out: Array, fake: Array) -> dict[str, float]:
    """The two numbers by name, of distances to the nearest training image. held_out: (H,), fake: (M,).

    "ratio": the median of fake over the median of held_out, near 1 for a generator that draws new images, near 0 for
    copies. "share": the part of fake below the 1% quantile of held_out; an honest generator has `expected_share(H)`.
    Nearest distances fall as T grows, on both sides alike; only numbers at the same T can be compared.
    Compare Meehan, Chaudhuri & Dasgupta 2020, "A non-parametric test to detect data-copying in generative models".
    """
    # Weibull's quantile: of H + 1 exchangeable distances, the last is below the r-th of the others with
    # probability r / (H + 1). numpy's default would expect 0.02 at H = 100.
    threshold = np.quantile(held_out, QUANTILE, method="weibull")
    return {
        "ratio": float(np.median(fake) / np.median(held_out)),
        "share": float((fake < threshold).mean()),
    }


def expected_share(num_held_out: int) -> float:
    """Share of new images of the same distribution: 0.01; with few held-out images, that below the smallest of them."""
    return max(QUANTILE, 1 / (num_held_out + 1))
