"""Images from a trained generator, the same ones for the same seed whatever the batch size."""

# N images, Z latent, W style, H W pixels

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganforge.blocks.base import Context
from ganforge.errors import UsageError
from ganforge.listener import Listener
from ganforge.networks.folding import folded
from ganforge.networks.staged import Generator
from ganforge.pictures import to_uint8
from ganforge.randomness import Draws

BATCH = 64
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

    @torch.inference_mode()
    def batches(self, labels: Labels) -> Iterator[NDArray[np.uint8]]:
        """Images (n, 3, H, W), n <= batch, in the order of labels; image i depends on seed, i and labels[i] alone."""
        for start in range(0, len(labels), self.batch):
            chunk = torch.tensor(labels[start : start + self.batch], dtype=torch.int64, device=self.device)
            draws = Draws(self.seed, "sample", range(start, start + len(chunk)), self.device)
            z = draws.normal(self.generator.latent_dim)
            style = self.generator.style(z, chunk)
            if self.truncation != 1 and style is None:
                z = z * self.truncation
            elif self.truncation != 1 and style is not None:
                means = torch.stack([self._mean_style(int(label)) for label in chunk])
                style = means + self.truncation * (style - means)
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.fast):
                images = self.generator(z, chunk, Context(style=style, noise=draws.noise))
            yield to_uint8(images)

    def images(self, labels: Labels, listener: Listener | None = None) -> NDArray[np.uint8]:
        """All images at once: (N, 3, H, W)."""
        total = -(-len(labels) // self.batch)
        batches = (listener or Listener()).progress(self.batches(labels), total, "generating")
        return np.concatenate(list(batches))

    def _mean_style(self, label: int) -> Tensor:
        if label not in self._means:
            draws = Draws(self.seed, "mean style", range(MEAN_SAMPLES), self.device)
            labels = torch.full((MEAN_SAMPLES,), label, device=self.device)
            style = self.generator.style(draws.normal(self.generator.latent_dim), labels)
            assert style is not None
            self._means[label] = style.mean(dim=0)
        return self._means[label]


@torch.no_grad()
def grid_images(generator: Generator, rows: int, columns: int, seed: int) -> Tensor:
    """(rows * columns, 3, H, W) in [-1, 1], row by row.

    Conditional: row k shows class k, with the same latents and noise in each row. Else all latents differ.
    """
    samples = list(range(columns)) * rows if generator.is_conditional else list(range(rows * columns))
    device = next(generator.parameters()).device
    draws = Draws(seed, "grid", samples, device)
    z = draws.normal(generator.latent_dim)
    labels = torch.arange(rows, device=device).repeat_interleave(columns)
    images: Tensor = generator(z, labels, Context(noise=draws.noise))
    return images


def proportional_labels(counts: Sequence[int], total: int) -> list[int]:
    """`total` labels with the proportions of `counts`, by largest remainder; sorted."""
    shares = [count * total / sum(counts) for count in counts]
    numbers = [int(share) for share in shares]
    by_remainder = sorted(range(len(counts)), key=lambda k: (numbers[k] - shares[k], k))
    for k in by_remainder[: total - sum(numbers)]:
        numbers[k] += 1
    return [label for label, number in enumerate(numbers) for _ in range(number)]


def write_samples(
    sampler: Sampler, labels: Labels, classes: Sequence[str], out: Path, listener: Listener, *, is_phantom: bool
) -> Path:
    """Write `<label>_<number>.png` for each label and `samples.csv`, with a row for each.

    Columns: file, label, class, seed, index, truncation, arithmetic (exact or fast), trained_on (phantoms or
    photographs). The table gets its name when all is written: a folder without one is not complete. Memory does
    not grow with the number of images. Raises UsageError if `out` is not empty or can't be written.
    """
    table = out / "samples.csv"
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is no empty folder. Choose another with --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't make the folder {out}: {error.strerror}. Choose another with --out.") from error
    arithmetic, trained_on = "fast" if sampler.fast else "exact", "phantoms" if is_phantom else "photographs"
    unfinished = out / "samples.csv.partial"
    total = -(-len(labels) // sampler.batch)
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file, ThreadPoolExecutor(1) as writer:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["file", "label", "class", "seed", "index", "truncation", "arithmetic", "trained_on"])
            index = 0
            writing: Future[None] | None = None
            for batch in listener.progress(sampler.batches(labels), total, "sampling"):
                names = [f"{labels[index + i]}_{index + i:06d}.png" for i in range(len(batch))]
                if writing is not None:
                    writing.result()
                writing = writer.submit(_write_pictures, out, names, batch)
                for name in names:
                    label = int(labels[index])
                    rows.writerow(
                        [name, label, classes[label], sampler.seed, index, sampler.truncation, arithmetic, trained_on]
                    )
                    index += 1
            if writing is not None:
                writing.result()
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(table)
    except OSError as error:
        raise UsageError(
            f"can't write to {out}: {error.strerror}. It holds no samples.csv and is incomplete."
        ) from error
    return table


def _write_pictures(out: Path, names: Sequence[str], images: NDArray[np.uint8]) -> None:
    """images: (n, 3, H, W). The table that is written last tells whether all are whole, so none is synchronised."""
    for name, image in zip(names, images, strict=True):
        Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(out / name)
