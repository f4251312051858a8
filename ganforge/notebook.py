"""A trained generator in Python: called with labels, it gives images."""

# N images, H W pixels

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganforge.card import Card
from ganforge.classes import find_labels
from ganforge.errors import UsageError
from ganforge.phantoms import PHANTOM
from ganforge.pictures import Mark, grid, png_bytes, to_uint8
from ganforge.sampling import Sampler, batch_for, grid_images
from ganforge.trained import Trained

#: One class by name or number, or one for each image.
Labels = str | int | Sequence[str] | Sequence[int] | NDArray[np.integer[Any]]
#: Images: uint8 (N, H, W, 3), as numpy, Pillow and matplotlib have them.
Images = NDArray[np.uint8]


class TrainedGenerator:
    """Images of the classes that are asked for.

        generator = ganforge.load("runs/00000-dr_transfer_cgan")
        images = generator("3 severe", count=16, seed=0)    # uint8 (16, H, W, 3)

    The same images as those of `ganforge sample` for the same seed and classes. For torchvision,
    `torch.from_numpy(images).permute(0, 3, 1, 2)` has (N, 3, H, W).
    """

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._samplers: dict[tuple[int, float], Sampler] = {}

    @property
    def card(self) -> Card:
        """Where the generator comes from: data, counts, licences, source, budget and scores."""
        return self._trained.card

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers; empty where the generator has no labels."""
        return self.card.classes if self.card.is_conditional else ()

    @property
    def resolution(self) -> int:
        """Side of the images in pixels."""
        return self.card.resolution

    @property
    def latent_dim(self) -> int:
        return self._trained.generator.latent_dim

    @property
    def device(self) -> torch.device:
        return next(self._trained.generator.parameters()).device

    @property
    def module(self) -> torch.nn.Module:
        """The network itself: z (N, latent_dim), labels (N,) -> images (N, 3, H, W) in [-1, 1]."""
        return self._trained.generator

    def __call__(
        self, labels: Labels | None = None, count: int = 1, *, seed: int = 0, truncation: float = 1.0, first: int = 0
    ) -> Images:
        """Images: uint8 (N, H, W, 3).

        labels: a class by name or number, or several; `count` images of each, in this order. None: all classes, or
        `count` images of a generator without labels. The same seed gives the same images; `first` is the number of the
        first latent: `first=100` goes on where 100 images ended. truncation below 1 gives more typical and less diverse
        images. Raises UsageError that names the classes there are.
        """
        batches = list(self.batches(labels, count, seed=seed, truncation=truncation, first=first))
        side = self.resolution
        return np.concatenate(batches) if batches else np.empty((0, side, side, 3), np.uint8)

    def batches(
        self, labels: Labels | None = None, count: int = 1, *, seed: int = 0, truncation: float = 1.0, first: int = 0
    ) -> Iterator[Images]:
        """The same images a few at a time, for more than the memory holds: uint8 (n, H, W, 3)."""
        numbers = self._numbers(labels, count)
        if not 0 <= truncation <= 1:
            raise UsageError(f"truncation must be from 0 to 1, but is {truncation:g}.")
        if first < 0:
            raise UsageError(f"first must not be negative, but is {first}.")
        sampler = self._sampler(seed, truncation)
        return (np.ascontiguousarray(batch.transpose(0, 2, 3, 1)) for batch in sampler.batches(numbers, first))

    def grid(self, columns: int = 8, *, seed: int = 0) -> Images:
        """One picture, uint8 (height, width, 3): a row for each class with its name, the same latent in each column."""
        batch = batch_for(self.resolution)
        images = grid_images(self._trained.generator, len(self.classes) or 2, columns, seed, batch=batch)
        return grid(to_uint8(images), columns, self.classes)

    def _numbers(self, labels: Labels | None, count: int) -> NDArray[np.int64]:
        if count < 1:
            raise UsageError(f"count must be at least 1, but is {count}.")
        if not self.classes:
            if labels is not None:
                raise UsageError("this generator was trained without labels, so that no class can be asked for.")
            return np.zeros(count, np.int64)
        if labels is None:
            wanted: list[Any] = list(range(len(self.classes)))
        elif isinstance(labels, str) or not hasattr(labels, "__iter__"):
            wanted = [labels]
        else:
            wanted = list(labels)
        return np.repeat(np.array(find_labels(wanted, self.classes), np.int64), count)

    def _sampler(self, seed: int, truncation: float) -> Sampler:
        key = (seed, truncation)
        if key not in self._samplers:
            self._samplers.clear()  # each holds a copy of the network
            batch = batch_for(self.resolution)
            self._samplers[key] = Sampler(self._trained.generator, seed, truncation, batch=batch)
        return self._samplers[key]

    def __repr__(self) -> str:
        card = self.card
        of = f"{len(self.classes)} classes" if self.classes else "no labels"
        phantom = ", PHANTOM" if card.is_phantom else ""
        return f"<TrainedGenerator {card.name}, step {card.step:,}, {card.resolution} px, {of}{phantom}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: a grid with the names of its rows, and what must be said of the images."""
        card, mark = self.card, Mark(self.card.recipe, self.card.is_phantom)
        picture = base64.b64encode(png_bytes(self.grid(), mark.texts())).decode()
        lines = [f"<b>{html.escape(card.name)}</b>, step {card.step:,} of {card.num_steps:,}, {card.resolution} px"]
        if card.is_phantom:
            lines.append(f"<b>{PHANTOM}</b>")
        if self.classes:
            names = "; ".join(html.escape(name) for name in self.classes)
            lines.append(f"Generated, a row for each class, from the top: {names}")
        else:
            lines.append("Generated, without labels")
        lines += [html.escape(score.text) for score in card.scores]
        image = f'<img alt="generated images" src="data:image/png;base64,{picture}">'
        return "<div>" + "<br>".join([*lines, image]) + "</div>"
