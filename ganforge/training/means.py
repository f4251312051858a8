"""Means of what the steps report."""

from __future__ import annotations

from collections.abc import Mapping


class Means:
    """Mean of each quantity over the steps that reported it: a penalty that is due every few steps counts in those."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value, count + 1)

    def state(self) -> dict[str, tuple[float, int]]:
        """Sum and number of steps by name since the last `take`, for a checkpoint."""
        return dict(self._sums)

    def restore(self, state: Mapping[str, tuple[float, int]]) -> None:
        self._sums = dict(state)

    def take(self) -> dict[str, float]:
        """The means since the last call."""
        means = {name: total / count for name, (total, count) in self._sums.items()}
        self._sums.clear()
        return means
