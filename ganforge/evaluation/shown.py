"""How scores are put before readers, on a terminal and on a page alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """A score, or what a card keeps of one."""

    @property
    def name(self) -> str: ...

    @property
    def warnings(self) -> Sequence[str]: ...


S = TypeVar("S", bound=Named)


def parts(score: Named) -> tuple[str, str]:
    """`kd` and `efficientnet-lite0@57934424` of `kd[efficientnet-lite0@57934424]`."""
    name, _, rest = score.name.partition("[")
    return name, rest.removesuffix("]")


def grouped(scores: Iterable[S]) -> dict[str, list[S]]:
    """Scores by what stands in brackets in their names, in the order in which that comes first."""
    groups: dict[str, list[S]] = {}
    for score in scores:
        groups.setdefault(parts(score)[1], []).append(score)
    return groups


#: What `sizes` counts.
SIZES = "images compared at a time, which may be fewer than all; generated/real where they differ"


class Counted(Protocol):
    """What says how many images were compared."""

    @property
    def n_real(self) -> int: ...

    @property
    def n_fake(self) -> int: ...


def sizes(score: Counted) -> str:
    """`300`, or generated over real images where they are not as many: `300/293`."""
    return f"{score.n_fake:,}" if score.n_fake == score.n_real else f"{score.n_fake:,}/{score.n_real:,}"


def number(value: float | None, digits: int = 4) -> str:
    """The value with so many digits; nothing for None."""
    return "" if value is None else f"{value:.{digits}g}"


class Floored(Protocol):
    """What knows the same measure on real images."""

    @property
    def floor(self) -> float | None: ...

    @property
    def floor_spread(self) -> float | None: ...


def floor(score: Floored, digits: int = 4) -> str:
    """`0.263 ± 0.083`, or without the spread where there is none; nothing without a floor."""
    spread = "" if score.floor_spread is None else f" ± {number(score.floor_spread, 2)}"
    return number(score.floor, digits) + spread


def warnings_of(scores: Iterable[Named]) -> dict[str, list[str]]:
    """Each warning with the names of the scores that have it."""
    found: dict[str, list[str]] = {}
    for score in scores:
        for text in score.warnings:
            found.setdefault(text, []).append(parts(score)[0])
    return found


def named(names: Iterable[str], limit: int = 4) -> str:
    """`kd, fd`; of more than `limit` different ones, how many scores there are: `12 scores`."""
    names = list(names)
    distinct = dict.fromkeys(names)
    return ", ".join(distinct) if len(distinct) <= limit else f"{len(names)} scores"
