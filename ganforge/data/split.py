"""Which images training never sees: whole groups, with every class on both sides."""

# N images

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ganforge.data.pixels import digests

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages

Indices = NDArray[np.int64]
#: What a given split may say of an image; the third trains nothing and measures nothing.
SIDES = ("train", "held_out", "unused")


class HowToSplit(Protocol):
    """As recipes say it in `split`."""

    @property
    def held_out(self) -> float: ...

    @property
    def seed(self) -> int: ...

    @property
    def train(self) -> int | None: ...


def split_images(images: LabelledImages, split: HowToSplit) -> tuple[Indices, Indices]:
    """Indices of the images to train on and of those held out, each sorted, as `divide` says."""
    divided = divide(images.labels, images.groups, images.sides, split)
    return _indices_of("train", divided), _indices_of("held_out", divided)


def divide(labels: ArrayLike, groups: Sequence[str], sides: Sequence[str] | None, split: HowToSplit) -> list[str]:
    """The side of each image in a run, one of SIDES.

    sides: what the set itself says, whatever `split.held_out` is; None: `split_by_group` decides. Of the images to
    train on about `split.train` stay, if there are more; the others are unused. Whole groups are left out, in each
    stratum by the same share. A stratum of a single group keeps it.
    """
    if sides is None:
        train, unseen = split_by_group(labels, groups, split.held_out, split.seed)
    else:
        train, unseen = _indices_of("train", sides), _indices_of("held_out", sides)
    if split.train is not None and split.train < len(train):
        left_out = 1 - split.train / len(train)
        kept, _ = split_by_group(np.asarray(labels)[train], [groups[i] for i in train], left_out, split.seed)
        train = train[kept]
    divided = np.full(len(groups), "unused", dtype=object)
    divided[train], divided[unseen] = "train", "held_out"
    return divided.tolist()


def _indices_of(side: str, sides: Sequence[str]) -> Indices:
    return np.flatnonzero([each == side for each in sides]).astype(np.int64)


def num_shared(train: LabelledImages, held_out: LabelledImages) -> int:
    """How many held-out images have the pixels of one that is trained on."""
    seen = set(digests(train.images))
    return sum(digest in seen for digest in digests(held_out.images))


def split_by_group(labels: ArrayLike, groups: Sequence[str], held_out: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the training images and of the held-out images, int64, each sorted; together all N.

    labels: (N,) integers; groups: N names (patients), which are never divided. `held_out` (0 to below 1) is the
    share of images aimed at within each stratum; a group belongs to the stratum of its largest label, the
    worst grade. A stratum of two groups or more has at least one on each side if `held_out` > 0; a single group
    trains. Which groups are held out depends on their names, labels and sizes and on the seed, not on the
    order of the images. Raises ValueError where lengths differ or `held_out` is out of range.
    """
    worst_of = np.asarray(labels, dtype=np.int64)
    if worst_of.shape != (len(groups),):
        raise ValueError(f"there are {worst_of.size} labels, but {len(groups)} groups.")
    if not 0 <= held_out < 1:
        raise ValueError(f"held_out must be at least 0 and below 1, but is {held_out}.")
    worst: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for group, label in zip(groups, worst_of.tolist(), strict=True):
        worst[group] = max(label, worst.get(group, label))
        sizes[group] = sizes.get(group, 0) + 1
    chosen: set[str] = set()
    for stratum in sorted(set(worst.values())):
        members = {group: size for group, size in sizes.items() if worst[group] == stratum}
        chosen |= _hold_out(members, held_out, seed)
    is_held_out = np.array([group in chosen for group in groups], dtype=bool)
    return np.flatnonzero(~is_held_out).astype(np.int64), np.flatnonzero(is_held_out).astype(np.int64)


def _hold_out(sizes: dict[str, int], share: float, seed: int) -> set[str]:
    """Groups of one stratum, taken in a random order as long as each brings the number of images nearer to the aim."""
    if share == 0 or len(sizes) < 2:
        return set()
    order = sorted(sizes, key=lambda group: _rank(group, seed))
    aim = share * sum(sizes.values())
    chosen: set[str] = set()
    count = 0
    for group in order:
        if abs(count + sizes[group] - aim) <= abs(count - aim):
            chosen.add(group)
            count += sizes[group]
    if not chosen:
        chosen.add(min(order, key=sizes.__getitem__))
    elif len(chosen) == len(sizes):
        chosen.remove(min(order, key=sizes.__getitem__))
    return chosen


def _rank(group: str, seed: int) -> tuple[bytes, str]:
    """A random place in the order that needs no other group to be known."""
    # surrogateescape: the bytes of a file's name, whatever the locale takes them for
    return hashlib.sha256(f"{seed}\0{group}".encode(errors="surrogateescape")).digest(), group
