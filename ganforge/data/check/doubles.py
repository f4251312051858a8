"""The same picture more than once: to the byte, to the pixel, and nearly."""

# N looks

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganforge.data.check.look import SIDE, Look
from ganforge.progress import Progress

#: Correlation of two fingerprints from which pictures count as nearly the same. Of 1,456 fundus photographs of 730
#: patients, the two pairs above it were the same eye twice, and the nearest pair of different eyes was at 0.92; all
#: copies that were saved again at quality 60, shrunk to 0.7 or brightened by 15% had more.
THRESHOLD = 0.94
_BLOCK = 2048


def equal(keys: Sequence[str]) -> list[list[int]]:
    """Groups of two and more with the same key, in order; empty keys belong to none."""
    groups: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        if key:
            groups.setdefault(key, []).append(i)
    return [group for group in groups.values() if len(group) > 1]


def nearly_equal(looks: Sequence[Look], progress: Progress) -> list[list[int]]:
    """Groups of looks of which each has a fingerprint that correlates with another's by THRESHOLD; the largest first.

    Those of equal pixels count as one, so that a group of nothing else is none. Looks without fingerprint resemble
    nothing. Takes time with N squared (a second for 10,000) and memory with N.
    """
    first: dict[str, int] = {}
    for i, look in enumerate(looks):
        if look.fingerprint:
            first.setdefault(look.pixels, i)
    members = np.array(list(first.values()), dtype=np.int64)
    numbers = np.frombuffer(b"".join(looks[i].fingerprint for i in members), dtype=np.int8).reshape(-1, SIDE * SIDE)
    starts = range(0, len(numbers), _BLOCK)
    # the number of the group of each: the smallest of its members
    group = np.arange(len(numbers))
    for start in progress(starts, len(starts), "comparing images"):
        for other in range(start, len(numbers), _BLOCK):
            rows, columns = (_normed(numbers[at : at + _BLOCK]) for at in (start, other))
            near = np.triu(rows @ columns.T >= THRESHOLD, 1) if other == start else rows @ columns.T >= THRESHOLD
            a, b = np.nonzero(near)
            group = _joined(group, a + start, b + other)
    found: dict[int, list[int]] = {}
    for number, i in zip(group.tolist(), members.tolist(), strict=True):
        found.setdefault(number, []).append(i)
    return sorted((each for each in found.values() if len(each) > 1), key=len, reverse=True)


def _joined(group: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers of groups when a[k] and b[k] belong to one, for each k."""
    while True:
        low, high = np.minimum(group[a], group[b]), np.maximum(group[a], group[b])
        if (low == high).all():
            return group
        np.minimum.at(group, high, low)
        while not np.array_equal(group, group[group]):  # a group of a group
            group = group[group]


def _normed(numbers: np.ndarray) -> np.ndarray:
    rows = numbers.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
