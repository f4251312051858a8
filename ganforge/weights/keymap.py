"""Foreign parameter names and ours, one to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ganforge.errors import CheckpointError

T = TypeVar("T")


class KeyMap:
    """A bijection between the names of a foreign checkpoint and ganforge's."""

    def __init__(self, name: str, pairs: Mapping[str, str]) -> None:
        """pairs: foreign name -> our name."""
        self.name = name
        self.pairs = dict(pairs)
        if len(set(self.pairs.values())) != len(self.pairs):
            raise ValueError(f"the key map '{name}' gives two foreign names the same name of ours.")

    def to_ours(self, weights: Mapping[str, T]) -> dict[str, T]:
        """The same values under our names. Raises CheckpointError that lists names the map doesn't know."""
        unknown = sorted(set(weights) - set(self.pairs))
        if unknown:
            shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
            raise CheckpointError(
                f"the key map '{self.name}' doesn't know {shown}. Is it a checkpoint of another kind?"
            )
        return {self.pairs[key]: value for key, value in weights.items()}

    def to_theirs(self, weights: Mapping[str, T]) -> dict[str, T]:
        """Inverse of `to_ours`."""
        return KeyMap(self.name, {ours: theirs for theirs, ours in self.pairs.items()}).to_ours(weights)
