"""Generated images as files, beside a table that says of each what it is.

Both grow together, batch by batch, so that the memory does not, and a call that was killed goes on where it was.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from ganforge.errors import UsageError
from ganforge.listener import Listener
from ganforge.pictures import Mark, is_marked, is_whole_png, png_bytes
from ganforge.sampling import Labels, Sampler

TABLE = "samples.csv"
UNFINISHED = "samples.csv.partial"
COLUMNS = (
    "file", "label", "class", "seed", "index", "truncation", "arithmetic", "trained_on", "recipe", "step",
)  # fmt: skip

Layout = Literal["flat", "folders"]


@dataclass(frozen=True)
class Origin:
    """The generator that images come from."""

    classes: Sequence[str]
    recipe: str
    step: int
    is_phantom: bool

    @property
    def mark(self) -> Mark:
        return Mark(self.recipe, self.is_phantom)


@dataclass(frozen=True)
class _Request:
    """What is to be written: file and row of each image."""

    sampler: Sampler
    labels: Labels
    origin: Origin
    first: int
    layout: Layout

    @cached_property
    def folders(self) -> list[str]:
        return class_folders(self.origin.classes) if self.layout == "folders" else []

    def file(self, i: int) -> str:
        """Of image i, relative to the folder; the number is that of its latent."""
        label, number = int(self.labels[i]), self.first + i
        return f"{self.folders[label]}/{number:06d}.png" if self.folders else f"{label}_{number:06d}.png"

    def row(self, i: int) -> bytes:
        label, sampler, origin = int(self.labels[i]), self.sampler, self.origin
        arithmetic = "fast" if sampler.fast else "exact"
        trained_on = "phantoms" if origin.is_phantom else "photographs"
        place = (self.file(i), label, origin.classes[label], sampler.seed, self.first + i, sampler.truncation)
        return _csv((*place, arithmetic, trained_on, origin.recipe, origin.step))


def write_samples(
    sampler: Sampler,
    labels: Labels,
    origin: Origin,
    out: Path,
    listener: Listener,
    *,
    first: int = 0,
    layout: Layout = "flat",
) -> Path:
    """Write a PNG for each label, and `samples.csv` with a row for each; the path of the table.

    layout: `<label>_<number>.png` ("flat"), or `<class>/<number>.png` ("folders"), as torchvision's ImageFolder reads
    them. The number is that of the latent, from `first` on. Columns: file, label, class, seed, index (the latent's
    number), truncation, arithmetic (exact or fast), trained_on (phantoms or photographs), recipe (its hash), step (of
    the checkpoint).

    The table gets its name when all is written. The same call again goes on where it was killed; when nothing is
    missing it does nothing. Raises UsageError where `out` holds anything else, or can't be written.
    """
    request = _Request(sampler, labels, origin, first, layout)
    table, unfinished = out / TABLE, out / UNFINISHED
    try:
        if table.is_file() and _is_done(table, request):
            listener.note(f"{out} holds these images already; nothing was done.")
            return table
        if out.exists() and not (out.is_dir() and (unfinished.is_file() or not any(out.iterdir()))):
            raise UsageError(f"{out} exists and is no empty folder. Choose another with --out.")
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't make the folder {out}: {error.strerror}. Choose another with --out.") from error
    try:
        with unfinished.open("a+b") as file:
            _lock(file, out)
            done = _resume(file, request, out)
            if done:
                listener.note(f"{done:,} of {len(labels):,} images are there already.")
            _write(file, request, out, done, listener)
            os.fsync(file.fileno())
        unfinished.replace(table)
    except OSError as error:
        raise UsageError(
            f"can't write to {out}: {error.strerror}. It holds no {TABLE} and is incomplete; the same command goes on."
        ) from error
    return table


def class_folders(classes: Sequence[str]) -> list[str]:
    """A folder name for each class: its own, unless that is no plain name of a folder or would not be the only one."""
    plain = [re.sub(r"[\x00-\x1f/\\\\:]", "_", name).strip(" .") for name in classes]
    alike = [name.casefold() for name in plain]
    return [
        name if name and alike.count(name.casefold()) == 1 and len(name.encode()) <= 255 else f"label_{label}"
        for label, name in enumerate(plain)
    ]


def _write(file: BinaryIO, request: _Request, out: Path, done: int, listener: Listener) -> None:
    labels, sampler = request.labels, request.sampler
    for label in sorted({int(label) for label in labels}) if request.folders else ():
        (out / request.folders[label]).mkdir(exist_ok=True)
    mark = request.origin.mark
    total = -(-(len(labels) - done) // sampler.batch)
    batches = listener.progress(sampler.batches(labels[done:], request.first + done), total, "sampling")
    written: Callable[[], None] = lambda: None  # noqa: E731
    with ThreadPoolExecutor(1) as writer:
        for batch in batches:
            numbers = range(done, done + len(batch))
            written()
            names = [request.file(i) for i in numbers]
            rows = b"".join(map(request.row, numbers))
            written = _after(writer.submit(_write_pictures, out, names, batch, mark), file, rows)
            done += len(batch)
        written()


def _after(writing: Future[None], file: BinaryIO, rows: bytes) -> Callable[[], None]:
    """Adds the rows when their pictures are written: a row in the table means that its picture is whole."""

    def add() -> None:
        writing.result()
        file.write(rows)
        file.flush()

    return add


def _write_pictures(out: Path, names: Sequence[str], images: NDArray[np.uint8], mark: Mark) -> None:
    """images: (n, 3, H, W). Raises FileExistsError rather than write over a file."""
    for name, image in zip(names, images, strict=True):
        with (out / name).open("xb") as file:
            file.write(png_bytes(np.ascontiguousarray(image.transpose(1, 2, 0)), mark))


def _lock(file: BinaryIO, out: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(f"{out} is being written by another process.") from error


def _is_done(table: Path, request: _Request) -> bool:
    with table.open("rb") as file:
        done, is_end = _matching(file, request, None)
        return done == len(request.labels) and is_end


def _resume(file: BinaryIO, request: _Request, out: Path) -> int:
    """Number of images that are written; the table then ends behind them, and nothing is in the way of the next.

    Raises UsageError where the table is that of another request.
    """
    file.seek(0)
    done, is_end = _matching(file, request, out)
    if not is_end:
        raise UsageError(
            f"{out} holds part of other samples: another generator, seed, number of images or option. Choose another "
            "folder with --out."
        )
    if file.tell() == 0:
        file.write(_csv(COLUMNS))
        file.flush()
    _clear(request, out, done)
    return done


def _clear(request: _Request, out: Path, done: int) -> None:
    """Remove what was being written when the process was killed; at most two batches without a row lie in a row."""
    end = done
    for i in range(done, len(request.labels)):
        path = out / request.file(i)
        if path.is_file():
            if path.stat().st_size and not is_marked(path):
                raise UsageError(f"{path} is in the way, and was not written by ganforge. Move it elsewhere.")
            path.unlink()
            end = i
        elif i - end > 2 * request.sampler.batch:
            break


def _matching(file: BinaryIO, request: _Request, out: Path | None) -> tuple[int, bool]:
    """How many rows are those of the request, and whether nothing else follows.

    With `out`, rows from the first on whose picture is missing or damaged are cut off, as is half a row.
    """
    header, end = _csv(COLUMNS), 0
    for done in range(-1, len(request.labels)):
        expected = header if done < 0 else request.row(done)
        found = file.read(len(expected))
        is_broken = out is not None and done >= 0 and not is_whole_png(out / request.file(done))
        if found == expected and not is_broken:
            end += len(expected)
            continue
        is_cut = expected.startswith(found) and (len(found) < len(expected) or is_broken)
        if out is not None and is_cut:
            file.truncate(end)
            file.seek(end)
        return max(done, 0), is_cut
    return len(request.labels), not file.read(1)


def _csv(cells: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")
