"""The same picture more than once: to the byte, to the pixel, and nearly."""

# N looks

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganforge.data.check.look import SIDE, Look
from ganforge.progress import Progress

#: Correlation of two fingerprints from which pictures count as nearly the same. Of 1,456 fundus photographs of 730
#: patients, the two pairs above it were the same eye twice, and the nearest pair of different eyes was at 0.92; all
#: copies that were saved again at quality 60, shrunk to 0.7 or brightened by 15% had more.
THRESHOLD = 0.94
#: Pairs that are kept; all are counted.
MAX_PAIRS = 1000
_BLOCK = 2048

Pair = tuple[int, int]


def equal(keys: Sequence[str]) -> list[list[int]]:
    """Groups of two and more with the same key, in order; empty keys belong to none."""
    groups: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        if key:
            groups.setdefault(key, []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def nearly_equal(looks: Sequence[Look], progress: Progress) -> tuple[list[Pair], int]:
    """Pairs of looks whose fingerprints correlate by THRESHOLD, without those of equal pixels.

    The nearest MAX_PAIRS of them, nearest first, and how many there are.

    Takes time with N squared (a second for 10,000) and memory with N.
    """
    with_print = np.array([i for i, look in enumerate(looks) if look.fingerprint], dtype=np.int64)
    numbers = np.frombuffer(b"".join(looks[i].fingerprint for i in with_print), dtype=np.int8).reshape(-1, SIDE * SIDE)
    number_of = {pixels: number for number, pixels in enumerate({looks[i].pixels for i in with_print})}
    pixels = np.array([number_of[looks[i].pixels] for i in with_print], dtype=np.int64)
    starts = range(0, len(numbers), _BLOCK)
    nearest: list[tuple[float, int, int]] = []
    count = 0
    for start in progress(starts, len(starts), "comparing images"):
        rows = slice(start, start + _BLOCK)
        for columns in (slice(other, other + _BLOCK) for other in range(start, len(numbers), _BLOCK)):
            likeness = _normed(numbers[rows]) @ _normed(numbers[columns]).T
            likeness[pixels[rows, None] == pixels[columns]] = -1
            if columns == rows:
                likeness = np.triu(likeness, 1)
            places = np.flatnonzero(likeness >= THRESHOLD)
            count += len(places)
            best = places[np.argsort(-likeness.ravel()[places], kind="stable")[:MAX_PAIRS]]
            nearest += [
                (-float(likeness[a, b]), int(with_print[start + a]), int(with_print[columns.start + b]))
                for a, b in zip(*np.unravel_index(best, likeness.shape), strict=True)
            ]
            nearest = sorted(nearest)[:MAX_PAIRS]
    return [(first, second) for _, first, second in nearest], count


def _normed(numbers: np.ndarray) -> np.ndarray:
    rows = numbers.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
