"""Measures at equal n, beside the same measures between two halves of the real images."""

# N real images, M generated images, D features

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Distance = Callable[[Array, Array], float]
#: Several numbers by name; the same names for any two sets.
Measures = Callable[[Array, Array], Mapping[str, float]]

#: Draws over which value, spread and floor are taken.
DRAWS = 10


@dataclass(frozen=True)
class Comparison:
    """Mean over the draws; `spread` is the standard deviation. Without halves there is one draw, and no floor."""

    value: float
    n: int
    spread: float | None
    floor: float | None


def compare(distance: Distance, real: Array, groups: Sequence[str], fake: Array, seed: int) -> Comparison:
    """`compare_all` for one distance."""
    return compare_all(lambda first, second: {"": distance(first, second)}, real, groups, fake, seed)[""]


def compare_all(
    measures: Measures, real: Array, groups: Sequence[str], fake: Array, seed: int
) -> dict[str, Comparison]:
    """`measures` of real: (N, ...) and fake: (M, ...), each N and M at least 2; groups: one name per real image.

    Each draw divides the real images into two halves with no group (patient) in both, and takes n of either half and n
    of the generated images, without replacement. The value is that of the first half against the generated images, the
    floor that of the first half against the second; n is the largest that all draws allow. Where the real images
    can't be divided (one group only), n is the smaller of N and M.
    """
    halves = [disjoint_halves(groups, np.random.default_rng([seed, draw])) for draw in range(DRAWS)]
    n = min(len(fake), *(len(half) for pair in halves for half in pair))
    if n < 2:
        n = min(len(real), len(fake))
        generator = np.random.default_rng(seed)
        chosen = generator.permutation(len(real))[:n], generator.permutation(len(fake))[:n]
        return {
            name: Comparison(value, n, None, None) for name, value in measures(real[chosen[0]], fake[chosen[1]]).items()
        }
    values, floors = [], []
    for draw, (first, second) in enumerate(halves):
        generated = np.random.default_rng([seed, draw, 1]).permutation(len(fake))[:n]
        values.append(measures(real[first[:n]], fake[generated]))
        floors.append(measures(real[first[:n]], real[second[:n]]))
    return {
        name: _over_draws([value[name] for value in values], [floor[name] for floor in floors], n) for name in values[0]
    }


def _over_draws(values: list[float], floors: list[float], n: int) -> Comparison:
    return Comparison(float(np.mean(values)), n, float(np.std(values, ddof=1)), float(np.mean(floors)))


def disjoint_halves(groups: Sequence[str], generator: np.random.Generator) -> tuple[Indices, Indices]:
    """Indices of two halves, each in random order; no group is in both, and their sizes differ by one group at most."""
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    names = sorted(members)
    halves: tuple[list[int], list[int]] = ([], [])
    for position in generator.permutation(len(names)):
        min(halves, key=len).extend(members[names[position]])
    first, second = (generator.permutation(np.array(half, dtype=np.int64)) for half in halves)
    return first, second
