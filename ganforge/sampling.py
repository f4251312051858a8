"""Images from a trained generator, the same ones for the same seed; another batch size changes roundings alone."""

# N images, Z latent, W style, H W pixels

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganforge.blocks.base import Context
from ganforge.networks.folding import folded
from ganforge.networks.staged import Generator
from ganforge.pictures import to_uint8
from ganforge.randomness import Draws

BATCH = 64
#: Pixels of the images in a batch, at most: features of large images fill the memory.
BATCH_PIXELS = 64 * 256**2
#: Labels of the images that are wanted, in order.
Labels = Sequence[int] | NDArray[np.integer[Any]]
#: Latents over which the mean style is taken.
MEAN_SAMPLES = 4096


class Sampler:
    """Draws images from a generator.

    `truncation` pulls each style towards the mean style of its class, w = mean + truncation * (w - mean) (Karras,
    Laine & Aila 2019, appendix B); a generator without a mapping network gets z * truncation. Below 1 the images
    are more typical and less diverse. `fast` computes convolutions, but for shortcuts and the image head, in bfloat16:
    by rounding the images are a little different from the exact ones.
    """

    def __init__(
        self, generator: Generator, seed: int, truncation: float = 1.0, *, fast: bool = False, batch: int = BATCH
    ) -> None:
        self.generator = folded(generator)
        self.seed = seed
        self.truncation = truncation
        self.fast = fast
        self.batch = batch
        self.device = next(generator.parameters()).device
        self._means: dict[int, Tensor] = {}

    def batches(self, labels: Labels, first: int = 0) -> Iterator[NDArray[np.uint8]]:
        """Images (n, 3, H, W), n <= batch, in the order of labels.

        Image i depends on the seed, the number of its latent, first + i, and labels[i] alone.
        """
        for start in range(0, len(labels), self.batch):
            yield self.drawn(labels[start : start + self.batch], first + start)

    @torch.inference_mode()
    def drawn(self, labels: Labels, first: int = 0) -> NDArray[np.uint8]:
        """One batch: (N, 3, H, W). The same batch gives the same bytes; in another, images differ by rounding."""
        numbers = torch.tensor(labels, dtype=torch.int64, device=self.device)
        draws = Draws(self.seed, "sample", range(first, first + len(labels)), self.device)
        z = draws.normal(self.generator.latent_dim)
        style = self.generator.style(z, numbers)
        if self.truncation != 1 and style is None:
            z = z * self.truncation
        elif self.truncation != 1 and style is not None:
            means = torch.stack([self.mean_style(int(label)) for label in labels])
            style = means + self.truncation * (style - means)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.fast):
            images = self.generator(z, numbers, Context(style=style, noise=draws.noise))
        return to_uint8(images)

    def images(self, labels: Labels) -> NDArray[np.uint8]:
        """All images at once: (N, 3, H, W)."""
        return np.concatenate(list(self.batches(labels)))

    @torch.inference_mode()
    def mean_style(self, label: int) -> Tensor:
        """(W,), the mean style of a class, towards which truncation pulls; the generator has a mapping network."""
        if label not in self._means:
            draws = Draws(self.seed, "mean style", range(MEAN_SAMPLES), self.device)
            labels = torch.full((MEAN_SAMPLES,), label, device=self.device)
            style = self.generator.style(draws.normal(self.generator.latent_dim), labels)
            assert style is not None
            self._means[label] = style.mean(dim=0)
        return self._means[label]


def batch_for(resolution: int) -> int:
    """Images to compute at once, at this side in pixels."""
    return max(1, min(BATCH, BATCH_PIXELS // resolution**2))


@torch.no_grad()
def grid_images(generator: Generator, rows: int, columns: int, seed: int, *, batch: int = BATCH) -> Tensor:
    """(rows * columns, 3, H, W) in [-1, 1], row by row; `batch` are computed at once.

    Conditional: row k shows class k, with the same latents and noise in each row. Else all latents differ.
    """
    samples = list(range(columns)) * rows if generator.is_conditional else list(range(rows * columns))
    device = next(generator.parameters()).device
    labels = torch.arange(rows, device=device).repeat_interleave(columns)
    images = []
    for start in range(0, len(samples), batch):
        draws = Draws(seed, "grid", samples[start : start + batch], device)
        z = draws.normal(generator.latent_dim)
        images.append(generator(z, labels[start : start + batch], Context(noise=draws.noise)))
    return torch.cat(images)


def proportional_labels(counts: Sequence[int], total: int) -> list[int]:
    """`total` labels with the proportions of `counts`, by largest remainder; sorted."""
    shares = [count * total / sum(counts) for count in counts]
    numbers = [int(share) for share in shares]
    by_remainder = sorted(range(len(counts)), key=lambda k: (numbers[k] - shares[k], k))
    for k in by_remainder[: total - sum(numbers)]:
        numbers[k] += 1
    return [label for label, number in enumerate(numbers) for _ in range(number)]
