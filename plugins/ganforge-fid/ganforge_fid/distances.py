"""Two distances between sets of feature vectors, in float64."""

# N real images, M fake images, D features

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

#: Rows of the kernel matrix that are in memory at once.
ROWS = 1024
#: Largest set whose singular values are computed directly. Above it they are roots of eigenvalues, which is twice as
#: quick and finds them to 1e-6 of the largest.
DIRECT = 256
#: Rows per feature from which a D x D matrix is worth the Cholesky factor that it costs; below, n x n is quicker.
TALL = 1.1


def frechet_distance(real: Array, fake: Array) -> float:
    """Fréchet distance between the Gaussians with the mean and covariance of each set; 0 or more.

    real: (N, D), fake: (M, D), both with at least two rows. |m_r - m_f|^2 + tr(C_r + C_f - 2 (C_r C_f)^(1/2)), with
    covariances over N - 1 and M - 1 (Heusel et al. 2017, "GANs trained by a two time-scale update rule", sect. 4).
    Biased: for two samples of one distribution it is well above 0, and the more so the smaller N and M are.
    Raises ValueError for sets that are not comparable.
    """
    real, fake = checked(real, fake)
    gap = real.mean(axis=0) - fake.mean(axis=0)
    # The covariances are a.T @ a and b.T @ b.
    a = (real - real.mean(axis=0)) / np.sqrt(len(real) - 1)
    b = (fake - fake.mean(axis=0)) / np.sqrt(len(fake) - 1)
    # a feature that is constant in one of the sets adds nothing to the root, and would make its covariance singular
    varying = (np.ptp(real, axis=0) > 0) & (np.ptp(fake, axis=0) > 0)
    root = _trace_of_root(a, b) if varying.all() else _trace_of_root(a[:, varying], b[:, varying])
    value = gap @ gap + np.sum(a * a) + np.sum(b * b) - 2 * root
    # Rounding can leave -1e-13 where the two sets are the same.
    return max(float(value), 0.0)


def _trace_of_root(a: Array, b: Array) -> float:
    """Trace of the square root of (a.T a)(b.T b), whose eigenvalues are the squared singular values of a b.T."""
    if min(len(a), len(b)) < TALL * a.shape[1]:
        product = a @ b.T if len(a) <= len(b) else b @ a.T
        if len(product) <= DIRECT:
            return float(np.linalg.svd(product, compute_uv=False).sum())
        return _sum_of_roots(product @ product.T)
    c = b @ _factor(a.T @ a)
    return _sum_of_roots(c.T @ c)


def _factor(covariance: Array) -> Array:
    """(D, K) f with f f.T = covariance (D, D); its kernel is left out where the covariance is singular."""
    try:
        factor = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    except np.linalg.LinAlgError:  # features that depend on each other; three times slower
        eigenvalues, vectors = np.linalg.eigh(covariance)
        kept = eigenvalues > _noise(eigenvalues)
        factor = vectors[:, kept] * np.sqrt(eigenvalues[kept])
    return factor


def _sum_of_roots(matrix: Array) -> float:
    """Of the eigenvalues of a symmetric matrix that has no negative ones."""
    eigenvalues = np.asarray(np.linalg.eigvalsh(matrix), dtype=np.float64)
    return float(np.sqrt(eigenvalues[eigenvalues > _noise(eigenvalues)]).sum())


def _noise(eigenvalues: Array) -> float:
    """Size up to which an eigenvalue is rounding error: its root would be far from small."""
    return float(np.finfo(np.float64).eps * len(eigenvalues) * max(eigenvalues.max(initial=0.0), 0.0))


def kernel_distance(
    real: Array, fake: Array, real_groups: Indices | None = None, fake_groups: Indices | None = None
) -> float:
    """Squared maximum mean discrepancy with the kernel (x.y / D + 1)^3; the unbiased estimate over all pairs.

    real: (N, D), fake: (M, D), both with at least two rows. Its expectation is 0 for two samples of one distribution,
    at any N and M, so single values are slightly negative at times (Bińkowski et al. 2018, "Demystifying MMD GANs").
    real_groups: (N,), fake_groups: (M,), equal for rows of one group, such as both eyes of a patient: rows of one group
    are more alike than two independent ones, and such pairs are left out. None: each row is a group of its own.
    Raises ValueError for sets that are not comparable, and for a set of one group.
    """
    real, fake = checked(real, fake)
    across = _kernel_sum(real, fake) / (len(real) * len(fake))
    return _mean_of_pairs(real, real_groups) + _mean_of_pairs(fake, fake_groups) - 2 * across


def _mean_of_pairs(x: Array, groups: Indices | None) -> float:
    """Mean of the kernel over pairs of rows of different groups; groups: (N,), or None if all differ."""
    left_out = _with_themselves(x)
    num_left_out = len(x)
    if groups is not None:
        order = np.argsort(groups, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
            if len(rows) > 1:
                left_out += _kernel_sum(x[rows], x[rows]) - _with_themselves(x[rows])
                num_left_out += len(rows) * (len(rows) - 1)
    if num_left_out == len(x) ** 2:
        raise ValueError("all rows are of one group, so there is no pair of different groups.")
    return (_kernel_sum(x, x) - left_out) / (len(x) ** 2 - num_left_out)


def _with_themselves(x: Array) -> float:
    """Sum of the kernel of each row with itself."""
    return float(((np.sum(x * x, axis=1) / x.shape[1] + 1) ** 3).sum())


def _kernel_sum(x: Array, y: Array) -> float:
    blocks = (x[start : start + ROWS] @ y.T / x.shape[1] + 1 for start in range(0, len(x), ROWS))
    # not `block ** 3`, which calls pow for each element
    return float(sum(np.vdot(block * block, block) for block in blocks))


def checked(real: Array, fake: Array, least: int = 2) -> tuple[Array, Array]:
    """Both sets in float64. Raises ValueError for fewer rows than `least`, numbers not finite, or other lengths."""
    real, fake = np.asarray(real, dtype=np.float64), np.asarray(fake, dtype=np.float64)
    for name, features in (("real", real), ("fake", fake)):
        if features.ndim != 2 or len(features) < least:
            raise ValueError(f"{name} features have the shape {features.shape}; (N, D) with N >= {least} is needed.")
        if not np.isfinite(features).all():
            raise ValueError(f"{name} features contain values that are not finite.")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"real images have {real.shape[1]} features and fake ones {fake.shape[1]}.")
    return real, fake
