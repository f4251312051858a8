"""Batches of real images by the numbers of their samples."""

# N samples, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganforge.data.images import LabelledImages
from ganforge.devices import moved
from ganforge.pictures import from_uint8
from ganforge.randomness import Draws, draw_categories
from ganforge.training.epochs import EpochOrder
from ganforge.training.step import RealBatch


class RealImages:
    """The images to train on, each drawn with its probability, or once in each epoch."""

    def __init__(
        self,
        images: LabelledImages,
        probabilities: Sequence[float],
        seed: int,
        device: torch.device,
        *,
        by_epoch: bool = False,
    ) -> None:
        """probabilities: of each image, with the sum 1. device: where batches are wanted.

        by_epoch: the probabilities are equal, and each image is drawn once in each epoch.
        """
        self.pixels = images.images
        self.labels = torch.from_numpy(images.labels)
        self.probabilities = torch.tensor(probabilities, dtype=torch.float64)
        self.seed, self.device = seed, device
        self.order = EpochOrder(len(images), seed) if by_epoch else None

    def class_probabilities(self, num_classes: int) -> Tensor:
        """(num_classes,) float64, how often a label is drawn."""
        classes = torch.zeros(num_classes, dtype=torch.float64)
        return classes.index_add(0, self.labels, self.probabilities)

    def indices(self, samples: Sequence[int]) -> Tensor:
        """(N,), which images these samples are."""
        if self.order is not None:
            return self.order.indices(samples)
        return draw_categories(Draws(self.seed, "real", samples), self.probabilities)

    def batch(self, samples: Sequence[int]) -> RealBatch:
        """Their images, float32 in [-1, 1], and labels, on the device."""
        indices = self.indices(samples)
        images = from_uint8(moved(torch.from_numpy(self.pixels[indices.numpy()]), self.device))
        labels = moved(self.labels[indices], self.device)
        return RealBatch(images.contiguous(memory_format=torch.channels_last), labels)
