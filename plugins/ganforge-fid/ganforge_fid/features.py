"""Features of a set of images: in an order that does not depend on the set's, in batches, and cached."""

# N images, H W pixels, D features

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge.files import write_bytes
from ganforge.progress import Progress
from ganforge_fid.extractors import Extractor

#: Images that pass the network at once.
BATCH = 32
#: Bytes of the sha256 behind the array in a cached file.
DIGEST = 32


class OrderedImages:
    """The images of a set, sorted by their content, so that every draw depends on the images and not on their order."""

    def __init__(self, images: LabelledImages) -> None:
        self._images = images.images
        digests = [hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest() for image in images.images]
        order = sorted(range(len(images)), key=lambda i: (digests[i], images.labels[i], images.groups[i]))
        self._order = np.array(order, dtype=np.int64)
        self.labels = images.labels[self._order]
        self.groups = [images.groups[i] for i in order]
        content = hashlib.sha256(repr(images.images.shape[1:]).encode())
        for i in order:
            content.update(digests[i])
        #: sha256 over the pixels of all images.
        self.sha256 = content.hexdigest()

    def __len__(self) -> int:
        return len(self._order)

    def features(self, extractor: Extractor, progress: Progress, what: str) -> NDArray[np.float32]:
        """(N, D), in the sorted order."""
        features = np.empty((len(self), extractor.dim), dtype=np.float32)
        starts = range(0, len(self), BATCH)
        for start in progress(starts, len(starts), f"{extractor.name}: {what}"):
            batch = self._order[start : start + BATCH]
            features[start : start + BATCH] = extractor(self._images[batch])
        return features


def cached_features(
    images: OrderedImages, extractor: Extractor, cache: Path, progress: Progress, what: str
) -> NDArray[np.float32]:
    """(N, D) from `cache`, or computed and put there. A damaged file is computed again."""
    key = hashlib.sha256("\n".join((extractor.name, extractor.sha256, extractor.resizer, images.sha256)).encode())
    path = cache / "features" / f"{key.hexdigest()[:32]}.npy"
    features = _read(path)
    if features is None:
        features = images.features(extractor, progress, what)
        _write(path, features)
    return features


def _read(path: Path) -> NDArray[np.float32] | None:
    """The array, or None where there is no such file or its hash does not fit."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(content[:-DIGEST]).digest() != content[-DIGEST:]:
        return None
    array: NDArray[np.float32] = np.load(io.BytesIO(content[:-DIGEST]), allow_pickle=False)
    return array


def _write(path: Path, features: NDArray[np.float32]) -> None:
    """The array and its sha256, complete or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, features, allow_pickle=False)
    content = buffer.getvalue()
    write_bytes(path, content + hashlib.sha256(content).digest())
