"""Measures at equal n, beside the same measures between two halves of the real images."""

# N real images, M generated images, D features

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawn:
    """n images of a set: their values (n, ...), and numbers (n,) that are equal for images of one patient."""

    values: Array
    groups: Indices


#: Several numbers by name; the same names for any two sets.
Measures = Callable[[Drawn, Drawn], Mapping[str, float]]

#: Draws over which value, spread and floor are taken.
DRAWS = 10


@dataclass(frozen=True)
class Comparison:
    """Mean over the draws; `spread` is the standard deviation. Without halves there is one draw, and no floor."""

    value: float
    n: int
    spread: float | None
    floor: float | None


def compare_all(
    measures: Measures, real: Array, groups: Sequence[str], fake: Array, seed: int
) -> dict[str, Comparison]:
    """`measures` of real: (N, ...) and fake: (M, ...), each N and M at least 2; groups: one name per real image.

    Each draw divides the real images into two halves with no group (patient) in both, and takes n of either half and n
    of the generated images, without replacement. The value is that of the first half against the generated images, the
    floor that of the first half against the second; n is the largest that all draws allow. Where the real images
    can't be divided into halves of two groups or more, n is the smaller of N and M. The seed draws among the generated
    images: the halves depend on the real ones alone, so that floors are equal and values can be compared draw by draw.
    """
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    halves = [disjoint_halves(groups, np.random.default_rng(draw)) for draw in range(DRAWS)]

    def of_real(chosen: Indices) -> Drawn:
        return Drawn(real[chosen], numbers[chosen])

    def of_fake(chosen: Indices) -> Drawn:
        return Drawn(fake[chosen], np.arange(len(chosen)))

    n = min(len(fake), *(len(half) for pair in halves for half in pair))
    if n < 2 or any(len(np.unique(numbers[half[:n]])) < 2 for pair in halves for half in pair):
        n = min(len(real), len(fake))
        generator = np.random.default_rng(seed)
        chosen = generator.permutation(len(real))[:n], generator.permutation(len(fake))[:n]
        alone = Drawn(real[chosen[0]], np.arange(n))  # of one patient: each image counts as its own
        return {name: Comparison(value, n, None, None) for name, value in measures(alone, of_fake(chosen[1])).items()}
    values, floors = [], []
    for draw, (first, second) in enumerate(halves):
        generated = np.random.default_rng([seed, draw, 1]).permutation(len(fake))[:n]
        values.append(measures(of_real(first[:n]), of_fake(generated)))
        floors.append(measures(of_real(first[:n]), of_real(second[:n])))
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
