"""Two distances between sets of feature vectors, in float64."""

# N real images, M fake images, D features

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Rows of the kernel matrix that are in memory at once.
ROWS = 1024


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
    value = gap @ gap + np.sum(a * a) + np.sum(b * b) - 2 * _trace_of_root(a, b)
    # Rounding can leave -1e-13 where the two sets are the same.
    return max(float(value), 0.0)


def _trace_of_root(a: Array, b: Array) -> float:
    """Trace of the square root of (a.T a)(b.T b), whose eigenvalues are the squared singular values of a b.T."""
    if min(len(a), len(b)) < a.shape[1]:
        return float(np.linalg.svd(a @ b.T, compute_uv=False).sum())
    eigenvalues, vectors = np.linalg.eigh(a.T @ a)
    kept = eigenvalues > _noise(eigenvalues)
    c = b @ (vectors[:, kept] * np.sqrt(eigenvalues[kept]))
    squares = np.linalg.eigvalsh(c.T @ c)
    return float(np.sqrt(squares[squares > _noise(squares)]).sum())


def _noise(eigenvalues: Array) -> float:
    """Size up to which an eigenvalue is rounding error: its root would be far from small."""
    return float(np.finfo(np.float64).eps * len(eigenvalues) * max(eigenvalues.max(initial=0.0), 0.0))


def kernel_distance(real: Array, fake: Array) -> float:
    """Squared maximum mean discrepancy with the kernel (x.y / D + 1)^3; the unbiased estimate over all pairs.

    real: (N, D), fake: (M, D), both with at least two rows. Its expectation is 0 for two samples of one distribution,
    at any N and M, so single values are slightly negative at times (Bińkowski et al. 2018, "Demystifying MMD GANs").
    Raises ValueError for sets that are not comparable.
    """
    real, fake = checked(real, fake)
    across = _kernel_sum(real, fake) / (len(real) * len(fake))
    return _mean_of_pairs(real) + _mean_of_pairs(fake) - 2 * across


def _mean_of_pairs(x: Array) -> float:
    """Mean of the kernel over pairs of different rows."""
    with_itself = float(((np.sum(x * x, axis=1) / x.shape[1] + 1) ** 3).sum())
    return (_kernel_sum(x, x) - with_itself) / (len(x) * (len(x) - 1))


def _kernel_sum(x: Array, y: Array) -> float:
    blocks = (x[start : start + ROWS] for start in range(0, len(x), ROWS))
    return float(sum(((block @ y.T / x.shape[1] + 1) ** 3).sum() for block in blocks))


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
