"""Precision, recall, density and coverage: how two sets of feature vectors lie in each other's neighbourhoods."""

# N real images, M generated images, D features

from __future__ import annotations

import numpy as np

from ganforge_fid.distances import checked
from ganforge_fid.neighbours import Array, blocks, squared_distances, squared_radii


def precision_recall_density_coverage(real: Array, fake: Array, neighbours: int) -> dict[str, float]:
    """The four numbers by name. real: (N, D), fake: (M, D), each N and M above `neighbours`.

    A row's ball reaches to its k-th nearest other row of its own set, k = `neighbours`; its surface is outside.
    "precision": the share of fake rows in the ball of some real row. "recall": the share of real rows in the ball of
    some fake row (Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models").
    "density": the mean over fake rows of the number of real balls that hold it, over k; it can be above 1.
    "coverage": the share of real rows in whose ball there is a fake row (Naeem et al. 2020, "Reliable fidelity and
    diversity metrics for generative models"). All are 0 for sets far apart. For two samples of one distribution, at
    equal N and M, density is expected to be 1 and coverage near 1 - 2^-k; for the others there is no such number.
    Raises ValueError for sets that are not comparable or too small.
    """
    real, fake = checked(real, fake, least=neighbours + 1)
    centre = real.mean(axis=0)
    real, fake = real - centre, fake - centre
    real_radii, fake_radii = squared_radii(real, neighbours), squared_radii(fake, neighbours)
    balls = np.zeros(len(fake), dtype=np.int64)
    is_recalled, is_covered = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for rows in blocks(len(real), len(fake)):
        squares = squared_distances(real[rows], fake)
        is_inside = squares < real_radii[rows, None]
        balls += is_inside.sum(axis=0)
        is_covered[rows] = is_inside.any(axis=1)
        is_recalled[rows] = (squares < fake_radii).any(axis=1)
    return {
        "precision": float((balls > 0).mean()),
        "recall": float(is_recalled.mean()),
        "density": float(balls.mean()) / neighbours,
        "coverage": float(is_covered.mean()),
    }
