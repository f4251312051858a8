"""What a dataset gives: labelled images, in memory or on a disk, with a card."""

# N images, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganforge.data.pixels import Pixels, View
from ganforge.processors import usable_processors
from ganforge.progress import Progress, no_progress


@dataclass(frozen=True)
class LoadContext:
    """What a dataset may use while it loads."""

    cache: Path
    workers: int = field(default_factory=usable_processors)
    progress: Progress = no_progress
    #: Largest share of bad images that is left out; None: none is, a single one is an error.
    max_bad_fraction: float | None = None
    #: Whether a recipe that can still be changed says so; advice then names its key, `bad_images`.
    is_of_recipe: bool = False
    #: Called with one sentence for each thing that a user should know but that does not stop the run.
    warn: Callable[[str], None] = field(default=lambda message: None)


@dataclass(frozen=True)
class DatasetCard:
    """What must be said wherever images of the set, or numbers about it, are shown."""

    name: str
    classes: tuple[str, ...]
    licence: str
    citation: str
    is_phantom: bool
    #: sha256 over pixels, labels and groups.
    fingerprint: str


@dataclass(frozen=True)
class LeftOut:
    """An image that is in none of the sets, and why. The name is that of a file: it stays on this machine."""

    name: str
    reason: str


@dataclass(frozen=True)
class LabelledImages:
    """images: uint8 (N, 3, H, W); labels: int64 (N,); groups: one name per image (the patient); names: file names.

    `images` is an array, or pixels that stay on the disk until batches are taken: `ganforge.data.pixels.Pixels`.
    """

    images: Pixels
    labels: NDArray[np.int64]
    groups: Sequence[str]
    names: Sequence[str]
    card: DatasetCard
    #: For each image "train", "held_out" or "unused", where the set itself says so.
    sides: Sequence[str] | None = None
    #: What is not among the images because it can't be used.
    left_out: Sequence[LeftOut] = ()

    def __post_init__(self) -> None:
        n = len(self.images)
        assert len(self.images.shape) == 4 and self.images.shape[1] == 3 and self.images.dtype == np.uint8
        assert self.labels.shape == (n,) and self.labels.dtype == np.int64
        assert len(self.groups) == len(self.names) == n
        assert self.sides is None or len(self.sides) == n

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices: NDArray[np.int64]) -> LabelledImages:
        """The images of these indices, in this order, as a view: no pixel is read."""
        return LabelledImages(
            View(self.images, indices),
            self.labels[indices],
            [self.groups[i] for i in indices],
            [self.names[i] for i in indices],
            self.card,
            None if self.sides is None else [self.sides[i] for i in indices],
        )

    def in_memory(self) -> LabelledImages:
        """The same images as an array; itself, if it has one."""
        return self if isinstance(self.images, np.ndarray) else replace(self, images=np.asarray(self.images))

    def class_counts(self) -> list[int]:
        """Images per class, in the order of the labels."""
        return np.bincount(self.labels, minlength=len(self.card.classes)).tolist()
