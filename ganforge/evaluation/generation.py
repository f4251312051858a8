"""Sets of generated images, in batches that processes can divide."""

# N images, H W pixels

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.hardware import round_products
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.processes.crew import NOTHING, Array, Crew
from ganforge.sampling import Sampler


class Generation:
    """Images of one generator. The processes of a crew compute the batches in turn; all have the same weights.

    A batch holds the same images whatever the number of processes: another would differ by rounding.
    """

    def __init__(self, generator: Generator, batch: int, crew: Crew) -> None:
        self._generator, self._batch, self._crew = generator, batch, crew
        self._sampler: Sampler | None = None
        crew.tasks["images"] = self._asked

    def images(self, seed: int, labels: Sequence[int], listener: Listener) -> NDArray[np.uint8]:
        """(N, 3, H, W), those of `Sampler` for this seed; on the first process.

        Raises torch's errors, and MemoryError where another process has too little memory.
        """
        starts = range(0, len(labels), self._batch)
        batches = self._crew.each(
            starts,
            lambda start: self._drawn(seed, labels[start : start + self._batch], start),
            "images",
            lambda start: ([seed, list(labels[start : start + self._batch]), start], NOTHING),
        )
        images: NDArray[np.uint8] | None = None
        for start, batch in zip(starts, listener.progress(batches, len(starts), "generating"), strict=True):
            if images is None:
                images = np.empty((len(labels), *batch.shape[1:]), np.uint8)
            images[start : start + self._batch] = batch
        assert images is not None
        return images

    def _asked(self, told: Any, _: Array) -> NDArray[np.uint8]:
        seed, labels, first = told
        return self._drawn(seed, labels, first)

    def _drawn(self, seed: int, labels: Sequence[int], first: int) -> NDArray[np.uint8]:
        if self._sampler is None or self._sampler.seed != seed:
            self._sampler = Sampler(self._generator, seed, batch=self._batch)
        round_products(self._sampler.device, allowed=False)
        return self._sampler.drawn(labels, first)
