"""Pixels of many images, which need not lie in memory: an array, shards on a disk, or some rows of either."""

# N images, C=3 channels, H W pixels

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


class Pixels(Protocol):
    """uint8 (N, 3, H, W), of which what is asked for is read. Any such array is one.

    `pixels[7]` is an image, (3, H, W); `pixels[2:9]` and `pixels[indices]`, with int64 (n,), are batches, (n, 3, H, W):
    both are arrays. `np.asarray(pixels)` is all of them, in memory.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> NDArray[np.uint8]: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __array__(self) -> NDArray[Any]: ...


@runtime_checkable
class Digested(Protocol):
    """Pixels whose sha256 are known without reading them."""

    @property
    def digests(self) -> NDArray[np.uint8]:
        """(N, 32), of the bytes of each image."""


class View:
    """Some rows of other pixels, in an order of its own. It holds their numbers and copies what is read."""

    def __init__(self, of: Pixels, rows: NDArray[np.int64]) -> None:
        self.of: Pixels = of
        self.rows = np.array(rows, dtype=np.int64)
        if isinstance(of, View):
            self.of, self.rows = of.of, of.rows[self.rows]
        self.shape, self.dtype = (len(self.rows), *of.shape[1:]), of.dtype

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        return self.of[self.rows[index]]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self.of[row] for row in self.rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.of[self.rows], dtype=dtype)


def digests(pixels: Pixels) -> list[bytes]:
    """sha256 over the bytes of each image; of prepared ones without reading them."""
    of, rows = (pixels.of, pixels.rows) if isinstance(pixels, View) else (pixels, np.arange(len(pixels)))
    if isinstance(of, Digested):
        return [of.digests[row].tobytes() for row in rows]
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in pixels]
