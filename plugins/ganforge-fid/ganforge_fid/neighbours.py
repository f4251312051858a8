"""Nearest neighbours from matrix products, in float64 and in blocks."""

# N queries, M references, D numbers each

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganforge.data.pixels import Pixels
from ganforge.progress import Progress, no_progress

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Size in bytes of the largest array that is made at once.
BLOCK = 2**26
#: Rounding of |x - y|^2 as a part of |x|^2 + |y|^2 is below this times the root of D: for D from 6 to 49152, a third of
#: it at most was seen.
NOISE = 2 * float(np.finfo(np.float64).eps)


def blocks(num_rows: int, row: int) -> Iterator[slice]:
    """All rows in turn, as many at once as `BLOCK` holds if each takes `row` numbers, but at least one."""
    step = max(1, BLOCK // (8 * row))
    return (slice(start, min(start + step, num_rows)) for start in range(0, num_rows, step))


def squared_distances(x: Array, y: Array) -> Array:
    """|x - y|^2 of each row of x: (N, D) with each of y: (M, D); (N, M), 0 for equal rows.

    |x|^2 + |y|^2 - 2 x.y loses the digits of a distance that is small against the norms: centre the rows first. On
    integers, such as pixels, it is exact up to 2^53.
    """
    norms = np.einsum("nd,nd->n", x, x)[:, None] + np.einsum("md,md->m", y, y)
    squares = x @ y.T
    squares *= -2
    squares += norms
    squares[squares < NOISE * np.sqrt(x.shape[1]) * norms] = 0
    return squares


def squared_radii(x: Array, k: int) -> Array:
    """|x - y|^2 of each row of x: (N, D) and its k-th nearest other row, 1 <= k < N: (N,)."""
    radii = np.empty(len(x))
    for rows in blocks(len(x), len(x)):
        squares = squared_distances(x[rows], x)
        squares[np.arange(len(squares)), np.arange(rows.start, rows.stop)] = np.inf
        radii[rows] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    return radii


def nearest(
    queries: NDArray[Any] | Pixels, references: NDArray[Any] | Pixels, progress: Progress = no_progress, what: str = ""
) -> tuple[Array, Indices]:
    """|x - y|^2 of each query and its nearest reference, and the index of that; the first of several: (N,), (N,).

    queries: (N, ...), references: (M, ...), of one shape and any type; M is at least 1.
    """
    squares, indices = np.full(len(queries), np.inf), np.zeros(len(queries), dtype=np.int64)
    row = int(np.prod(queries.shape[1:]))
    parts = list(blocks(len(queries), row))
    for rows in progress(parts, len(parts), what):
        x = _flat(queries[rows])
        for columns in blocks(len(references), row):
            found = squared_distances(x, _flat(references[columns]))
            closest = found.argmin(axis=1)
            values = found[np.arange(len(x)), closest]
            is_nearer = values < squares[rows]
            squares[rows] = np.where(is_nearer, values, squares[rows])
            indices[rows] = np.where(is_nearer, columns.start + closest, indices[rows])
    return squares, indices


def _flat(rows: NDArray[Any]) -> Array:
    return rows.reshape(len(rows), -1).astype(np.float64)
