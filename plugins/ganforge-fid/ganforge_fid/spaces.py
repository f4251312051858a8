"""The two spaces in which the training image nearest to an image is looked for: features and pixels."""

# T training images, N images that are asked about

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from ganforge.data.images import LabelledImages
from ganforge.evaluation.features import FeatureSet
from ganforge.evaluation.score import EvaluationContext
from ganforge.interfaces import ExtractorSpec
from ganforge_fid.memorisation import Mirrored, Nearest, nearest_in_features, nearest_in_pixels
from ganforge_fid.neighbours import Array


class Space(Protocol):
    """Where distances to the training images are taken."""

    #: What stands in the brackets of a score's name.
    label: str
    extractor: str
    resizer: str

    def nearest(self, images: LabelledImages, what: str) -> Nearest:
        """Of each image, in the order of the set; `what` as for `EvaluationContext.features`."""


class FeatureSpace:
    """Euclidean distances between features.

    A network that classifies is not blind to mirroring: of fundus photographs at 64 px, the features of a mirrored
    training image are half as far from the original's as those of a new eye from the nearest training image's. So
    mirrored images get features of their own.
    """

    def __init__(self, extractor: ExtractorSpec, train: LabelledImages, context: EvaluationContext) -> None:
        self._spec, self._context = extractor, context
        of_train = context.features(extractor, train, "training images")
        mirrored = context.once(("mirrored", of_train.sha256), lambda: _mirrored(train.subset(of_train.order)))
        of_mirrored = context.features(extractor, mirrored, "mirrored training images")
        self._order = of_train.order
        self._train = _values(of_train)
        self._mirrored = _values(of_mirrored)[_places(of_mirrored)]
        self.label, self.resizer = of_train.extractor, of_train.resizer
        self.extractor = f"{of_train.extractor.partition('@')[0]}, sha256 {of_train.extractor_sha256}"

    def nearest(self, images: LabelledImages, what: str) -> Nearest:
        features = self._context.features(self._spec, images, what)
        # The rows are sorted by content on both sides: distances do not depend on the order of the images, to the bit.
        found = nearest_in_features(_values(features), self._train, self._mirrored)
        places = _places(features)
        return Nearest(found.distances[places], self._order[found.indices[places]], found.is_mirrored[places])


class PixelSpace:
    """Root of the mean square of the differences in grey levels, at the resolution of the images."""

    label, extractor, resizer = "pixels", "pixels, root mean square in grey levels", "none"

    def __init__(self, train: LabelledImages, context: EvaluationContext) -> None:
        self._train, self._progress = train, context.progress

    def nearest(self, images: LabelledImages, what: str) -> Nearest:
        return nearest_in_pixels(images.images, self._train.images, self._progress, f"pixels: {what}")


def _mirrored(images: LabelledImages) -> LabelledImages:
    return replace(images, images=Mirrored(images.images))


def _values(features: FeatureSet) -> Array:
    return features.values.astype(np.float64)


def _places(features: FeatureSet) -> np.ndarray:
    """(N,): the row that belongs to each image."""
    return np.argsort(features.order)
