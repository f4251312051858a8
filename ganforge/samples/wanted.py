"""How many images of which class somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence

from ganforge.classes import find_labels, whole_number
from ganforge.errors import UsageError
from ganforge.samples import MAX_COUNT


def wanted_counts(words: Sequence[str], count: int, classes: Sequence[str]) -> dict[int, int]:
    """Number of images by label, in the order given; `count` of all classes if no word is.

    A word is a class, by name or number, or `CLASS=N`. Raises UsageError with every word that is neither, and for a
    class that is given two numbers.
    """
    if not words:
        return dict.fromkeys(range(len(classes)), count)
    split = [_class_and_count(word, count, classes) for word in words]
    found = find_labels([name for name, _ in split], classes)
    counts: dict[int, int] = {}
    for label, (_, number) in zip(found, split, strict=True):
        if counts.setdefault(label, number) != number:
            raise UsageError(f"--label gives two numbers of images for '{classes[label]}': {counts[label]}, {number}.")
    return counts


def _class_and_count(word: str, count: int, classes: Sequence[str]) -> tuple[str, int]:
    name, equals, text = word.rpartition("=")
    if word in classes or not equals:
        return word, count
    number = whole_number(text)
    if number is None or not 1 <= number <= MAX_COUNT:
        raise UsageError(f"--label '{word}' must be CLASS or CLASS=N, with N from 1 to {MAX_COUNT:,}.")
    return name, number
