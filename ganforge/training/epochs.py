"""The order in which images come where each is drawn once in an epoch: a function of (seed, epoch)."""

# N samples, M images

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganforge.randomness import derive_seed


class EpochOrder:
    """Samples k M to (k + 1) M - 1 are epoch k, a permutation of the M images, whoever asks for whichever of them."""

    def __init__(self, num_images: int, seed: int) -> None:
        self.num_images, self.seed = num_images, seed
        #: Of the last epochs that were asked for: a batch may end one and begin the next.
        self._orders: dict[int, Tensor] = {}

    def indices(self, samples: Sequence[int]) -> Tensor:
        """(N,) int64, the images that these samples are."""
        numbers = torch.tensor(samples, dtype=torch.int64)
        epochs, places = numbers // self.num_images, numbers % self.num_images
        found = torch.empty_like(numbers)
        for epoch in epochs.unique().tolist():
            is_now = epochs == epoch
            found[is_now] = self._order(epoch)[places[is_now]]
        return found

    def _order(self, epoch: int) -> Tensor:
        """(M,)"""
        if epoch not in self._orders:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "epoch", epoch))
            self._orders = {key: self._orders[key] for key in [*self._orders][-1:]}
            self._orders[epoch] = torch.randperm(self.num_images, generator=generator)
        return self._orders[epoch]
