"""Features of a set of images, and what computes them."""

# N images, H W pixels, D features

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge.data.pixels import digests


class Extractor(Protocol):
    """A fixed network from images to features."""

    @property
    def name(self) -> str:
        """Name of the network, without its hash."""

    @property
    def sha256(self) -> str:
        """Of the file with the weights, or of whatever else decides the values."""

    @property
    def dim(self) -> int:
        """D, the number of features."""

    @property
    def resizer(self) -> str:
        """How images reach the side that the network takes."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, D) from (N, 3, H, W). Each row depends on its image alone."""


def extractor_id(extractor: Extractor) -> str:
    """`efficientnet-lite0@57934424`."""
    return f"{extractor.name}@{extractor.sha256[:8]}"


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """The features of a set of images, sorted by the content of the images, so that nothing depends on their order."""

    #: (N, D), read-only, since evaluators share it.
    values: NDArray[np.float32]
    #: (N,), sorted as the values.
    labels: NDArray[np.int64]
    #: N names of patients, sorted as the values.
    groups: tuple[str, ...]
    #: (N,): row i belongs to image order[i] of the set.
    order: NDArray[np.int64]
    #: sha256 over the pixels of all images; another order of the images has the same.
    sha256: str
    #: Name with the start of the hash: `efficientnet-lite0@57934424`.
    extractor: str
    extractor_sha256: str
    resizer: str

    def __len__(self) -> int:
        return len(self.order)


@dataclass(frozen=True, eq=False)
class SortedImages:
    """A set of images with the order that their content gives them."""

    images: LabelledImages
    order: NDArray[np.int64]
    sha256: str


def sorted_by_content(images: LabelledImages) -> SortedImages:
    """Sort by the sha256 of the pixels; images that are the same by label, then by group."""
    contents = digests(images.images)
    order = sorted(range(len(images)), key=lambda i: (contents[i], images.labels[i], images.groups[i]))
    content = hashlib.sha256(repr(images.images.shape[1:]).encode())
    for i in order:
        content.update(contents[i])
    return SortedImages(images, np.array(order, dtype=np.int64), content.hexdigest())
