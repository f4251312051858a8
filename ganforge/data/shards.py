"""Prepared pixels in files of bounded size: memory-mapped when first needed, each image verified when first read.

Shard k is `images-0000k.npy`, uint8 (n, 3, R, R), and n is the same for all but the last one. What no digest vouches
for is never handed out: such an image is made again from its file, and its shard replaced by one that holds the others
as they were.
"""

# N images, n of them in a shard, R pixels a side

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.cache import unwritable
from ganforge.errors import DataError
from ganforge.files import remove_leftovers, retried, written_aside

#: Size of a shard in bytes; those of a set of more than MAX_SHARDS of this size are larger, since each costs a handle.
SHARD_BYTES = 2**28
MAX_SHARDS = 128

#: Images by their rows, made again from their files; an image, or the reason why there is none.
MakeAgain = Callable[[Sequence[int]], Iterable[NDArray[np.uint8] | str]]


class OtherPixelsError(DataError):
    """A damaged image was made again, and is not what it was."""


def images_per_shard(num_items: int, shape: tuple[int, int, int]) -> int:
    """n, for a set that is made of `num_items` items."""
    return max(1, SHARD_BYTES // math.prod(shape), -(-num_items // MAX_SHARDS))


def shard_name(number: int) -> str:
    return f"images-{number:05d}.npy"


def header(num_images: int, shape: tuple[int, int, int]) -> bytes:
    """What stands in front of the pixels of a .npy file: of the same length for any number of images."""
    stream = io.BytesIO()
    fields = {"descr": "|u1", "fortran_order": False, "shape": (num_images, *shape)}
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue()


class Shards:
    """The pixels of a prepared set (`ganforge.data.pixels.Pixels`), read-only.

    Any process may read it beside others, and mend it.
    """

    dtype: np.dtype[Any] = np.dtype(np.uint8)

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, int, int],
        per_shard: int,
        digests: NDArray[np.uint8],
        make_again: MakeAgain,
        warn: Callable[[str], None],
    ) -> None:
        """digests: (N, 32), the sha256 of each image. Opens nothing."""
        self.folder, self.per_shard, self.digests = folder, per_shard, digests
        self.shape = (len(digests), *shape)
        self._make_again, self._warn = make_again, warn
        self._maps: dict[int, NDArray[np.uint8]] = {}
        self._is_verified = np.zeros(len(digests), dtype=bool)

    def __len__(self) -> int:
        return len(self.digests)

    def __getitem__(self, index: Any) -> NDArray[np.uint8]:
        """Copies of the images. Raises DataError where one is damaged and can't be made again as it was."""
        if isinstance(index, slice):
            index = np.arange(*index.indices(len(self)))
        rows = np.asarray(index)
        is_number = np.issubdtype(rows.dtype, np.integer) or rows.size == 0
        if isinstance(index, tuple) or rows.ndim > 1 or not is_number:
            raise TypeError(f"prepared images are read by a number, a slice or an array of numbers, not by {index!r}.")
        if rows.size and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"there are {len(self)} prepared images, and none of the number {index!r}.")
        out = np.empty((rows.size, *self.shape[1:]), np.uint8)
        for place, row in enumerate(rows.reshape(-1).tolist()):
            self._read(row % len(self), out[place])
        return out if rows.ndim else out[0]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype=dtype)

    def mend(self) -> None:
        """Make again the shards that are missing or have another size; nothing of the others is read."""
        for number in range(self.num_shards):
            if not self._has_size(number):
                self._mend(number)

    @property
    def num_shards(self) -> int:
        return -(-len(self) // self.per_shard)

    def _read(self, row: int, out: NDArray[np.uint8]) -> None:
        """Copy an image into (3, R, R), and verify the copy unless it was verified before."""
        number, place = divmod(row, self.per_shard)
        for is_mended in (False, True):
            pixels = self._maps.get(number)
            if pixels is None:
                pixels = self._map(number)
            if pixels is not None:
                self._maps[number] = pixels
                out[...] = pixels[place]
                if self._is_verified[row]:
                    return
                if self._fits(out, row):
                    self._is_verified[row] = True
                    return
            if not is_mended:
                self._maps.pop(number, None)
                self._mend(number)
        raise DataError(f"{self.folder / shard_name(number)} was written and reads otherwise: is its disk failing?")

    def _fits(self, image: NDArray[np.uint8], row: int) -> bool:
        return hashlib.sha256(image.data).digest() == self.digests[row].tobytes()

    def _rows(self, number: int) -> range:
        return range(number * self.per_shard, min((number + 1) * self.per_shard, len(self)))

    def _has_size(self, number: int) -> bool:
        path, size = self.folder / shard_name(number), len(self._rows(number)) * math.prod(self.shape[1:])
        return path.is_file() and path.stat().st_size == size + len(header(0, self.shape[1:]))

    def _map(self, number: int) -> NDArray[np.uint8] | None:
        """(n, 3, R, R), whatever the bytes are; None where the file can't hold as many."""
        shape = self.shape[1:]
        try:
            if not self._has_size(number):
                return None
            path, start = self.folder / shard_name(number), len(header(0, shape))
            pixels = np.memmap(path, np.uint8, "r", offset=start, shape=(len(self._rows(number)), *shape))
        except OSError as error:
            raise DataError(f"{self.folder / shard_name(number)} can't be read: {error.strerror}.") from error
        return pixels.view(np.ndarray)  # a memmap takes its time for each row

    def _mend(self, number: int) -> None:
        """Replace a shard by one whose images all fit; nothing, where another process has done so meanwhile."""
        rows, old = self._rows(number), self._map(number)
        bad = [row for row in rows if old is None or not self._fits(np.ascontiguousarray(old[row - rows[0]]), row)]
        if not bad:
            return
        if not (self.folder / "index.json").is_file():
            raise DataError(f"{self.folder} was removed while it was in use; the next start makes it again.")
        self._warn(f"{len(bad):,} of {len(self):,} prepared images in {self.folder} are damaged and are made again.")
        path = self.folder / shard_name(number)
        try:
            remove_leftovers(self.folder, f".{path.name}.*")
            retried(lambda: self._write(path, rows, old, bad))
        except OSError as error:
            raise unwritable("prepared images", self.folder, error) from error

    def _write(self, path: Path, rows: range, old: NDArray[np.uint8] | None, bad: Sequence[int]) -> None:
        """A shard with the images of `old`, and those in `bad`, all if there is no `old`, made again."""
        made, is_bad = iter(self._make_again(bad)), frozenset(bad)
        with written_aside(path) as file:
            file.write(header(len(rows), self.shape[1:]))
            for row in rows:
                if old is None or row in is_bad:
                    file.write(self._expect_fit(next(made), row).data)
                else:
                    file.write(old[row - rows[0]].data)

    def _expect_fit(self, made: NDArray[np.uint8] | str, row: int) -> NDArray[np.uint8]:
        if isinstance(made, str):
            raise DataError(f"a prepared image in {self.folder} is damaged, and its file {made}.")
        if not self._fits(made, row):
            raise OtherPixelsError(
                f"prepared images in {self.folder} are damaged, and what is made again has other pixels than it had "
                "(is a package of another version?). Remove that folder, so that all of them are made again."
            )
        return made
