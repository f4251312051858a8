"""Which images are wanted, and what file and row each of them gets."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ganforge.pictures import Mark
from ganforge.samples import TABLE, UNFINISHED
from ganforge.sampling import Labels, Sampler

COLUMNS = (
    "file", "label", "class", "seed", "index", "truncation", "arithmetic", "trained_on", "recipe", "step", "weights",
)  # fmt: skip

Layout = Literal["flat", "folders"]


@dataclass(frozen=True)
class Origin:
    """The generator that images come from."""

    classes: Sequence[str]
    recipe: str
    step: int
    is_phantom: bool
    #: First digits of the sha256 of its tensors: two trainings of one recipe need not end with the same.
    weights: str

    @property
    def mark(self) -> Mark:
        return Mark(self.recipe, self.is_phantom)


@dataclass(frozen=True)
class Request:
    """Images of a sampler in batches of the same numbers, whoever computes them."""

    sampler: Sampler
    labels: Labels
    origin: Origin
    #: Number of the first latent.
    first: int
    layout: Layout

    @property
    def num_batches(self) -> int:
        return -(-len(self.labels) // self.sampler.batch)

    def batch(self, number: int) -> range:
        """The images of one batch, by their places among the labels."""
        size = self.sampler.batch
        return range(number * size, min((number + 1) * size, len(self.labels)))

    @cached_property
    def folders(self) -> list[str]:
        """Where the images of each class go; none where they go side by side."""
        return class_folders(self.origin.classes) if self.layout == "folders" else []

    def file(self, i: int) -> str:
        """Of image i, relative to the folder; the number is that of its latent."""
        label, number = int(self.labels[i]), self.first + i
        return f"{self.folders[label]}/{number:06d}.png" if self.folders else f"{label}_{number:06d}.png"

    def table(self) -> Iterator[bytes]:
        """The lines of samples.csv."""
        yield _csv(COLUMNS)
        sampler, origin = self.sampler, self.origin
        trained_on = "phantoms" if origin.is_phantom else "photographs"
        of_all = (sampler.truncation, self._arithmetic, trained_on, origin.recipe, origin.step, origin.weights)
        for i, label in enumerate(map(int, self.labels)):
            yield _csv((self.file(i), label, origin.classes[label], sampler.seed, self.first + i, *of_all))

    def description(self) -> dict[str, Any]:
        """All that decides what is written, as JSON data."""
        sampler, origin = self.sampler, self.origin
        labels = hashlib.sha256(np.asarray(self.labels, dtype="<i8").tobytes()).hexdigest()
        return {
            "recipe": origin.recipe,
            "step": origin.step,
            "weights": origin.weights,
            "classes": list(origin.classes),
            "is_phantom": origin.is_phantom,
            "images": len(self.labels),
            "labels_sha256": labels,
            "seed": sampler.seed,
            "first": self.first,
            "truncation": sampler.truncation,
            "arithmetic": self._arithmetic,
            "layout": self.layout,
            "batch": sampler.batch,
        }

    @property
    def _arithmetic(self) -> str:
        return "fast" if self.sampler.fast else "exact"


def class_folders(classes: Sequence[str]) -> list[str]:
    """A folder name for each class: its own, unless one of them is no plain name of a folder, or not the only one."""
    plain = [re.sub(r"[\x00-\x1f/\\\\:]", "_", name).lstrip(".") for name in classes]
    folded = [name.strip(" .").casefold() for name in plain]  # as disks see them that drop what is at the end
    taken = {"", TABLE.casefold(), UNFINISHED.casefold(), *(f"label_{label}" for label in range(len(classes)))}
    return [
        name if folded.count(fold) == 1 and fold not in taken and len(os.fsencode(name)) <= 255 else f"label_{label}"
        for label, (name, fold) in enumerate(zip(plain, folded, strict=True))
    ]


def _csv(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")
