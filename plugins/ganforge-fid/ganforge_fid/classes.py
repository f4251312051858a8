"""The classes between which a classifier decides: those of a set, or merged ones."""

# K classes of the set

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from ganforge.errors import DataError

#: A class by its name, or by its label: its place in the order of the classes, from 0.
ClassRef = str | int
ClassRefs = Annotated[tuple[ClassRef, ...], Field(min_length=1)]


def _each_class_once(groups: tuple[tuple[ClassRef, ...], ...]) -> tuple[tuple[ClassRef, ...], ...]:
    named = [each for group in groups for each in group]
    twice = [each for number, each in enumerate(named) if each in named[:number]]
    if twice:
        raise ValueError(f"names the class {twice[0]!r} more than once.")
    return groups


#: Classes to merge: at least two groups that together name each class once.
Groups = Annotated[tuple[ClassRefs, ...], Field(min_length=2), AfterValidator(_each_class_once)]


@dataclass(frozen=True)
class Classes:
    """What a classifier decides between, in the order of the labels."""

    names: tuple[str, ...]
    #: (K,): the new label of each label of the set.
    of_label: NDArray[np.int64]
    #: How the classes were merged, for the name of a score: `0+1 | 2+3+4`; empty where they were not.
    merged: str = ""


def chosen_classes(names: Sequence[str], groups: Groups | None) -> Classes:
    """The K classes as they are, or merged. Raises DataError for groups that don't name each class exactly once."""
    if groups is None:
        return Classes(tuple(names), np.arange(len(names)))
    labels = [labels_of(group, names, "group") for group in groups]
    named = [label for group in labels for label in group]
    missing = [names[label] for label in range(len(names)) if label not in named]
    twice = [names[label] for label in range(len(names)) if named.count(label) > 1]
    if missing or twice:
        found = "; ".join(
            [f"'{name}' is in none" for name in missing] + [f"'{name}' is in more than one" for name in twice]
        )
        raise DataError(f"`group` must put each class into one group, but {found}. {_known(names)}")
    of_label = np.empty(len(names), dtype=np.int64)
    for number, group in enumerate(labels):
        of_label[group] = number
    merged = " | ".join("+".join(map(str, group)) for group in labels)
    return Classes(tuple(" + ".join(names[label] for label in group) for group in labels), of_label, merged)


def labels_of(references: Sequence[ClassRef], names: Sequence[str], field: str) -> list[int]:
    """The labels of classes given by name or label. Raises DataError for those that the set does not have."""
    known: dict[ClassRef, int] = {label: label for label in range(len(names))}
    known.update({name: label for label, name in enumerate(names)})
    unknown = [each for each in references if each not in known]
    if unknown:
        listed = ", ".join(repr(each) for each in unknown)
        raise DataError(f"`{field}` names {listed}, which the images don't have. {_known(names)}")
    return [known[each] for each in references]


def _known(names: Sequence[str]) -> str:
    return f"Classes: {', '.join(f'{label} = {name!r}' for label, name in enumerate(names))}."
