"""A rule by which images of unbalanced classes are drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from ganforge.interfaces import SamplerSpec
from pydantic import Field


class Power(SamplerSpec):
    """A class is drawn in proportion to a power of its number of images: 1 as they are, 0 all equally often."""

    kind: Literal["mylab_power"] = "mylab_power"
    power: Annotated[float, Field(ge=0, le=1)] = 0.5

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """The probability of each image; they sum to 1. Raises ValueError without images or for an unknown label."""
        counts = Counter(int(label) for label in labels)
        if not counts or not 0 <= min(counts) <= max(counts) < num_classes:
            raise ValueError(f"labels must be from 0 to {num_classes - 1}, and there must be some.")
        total = sum(count**self.power for count in counts.values())
        return [counts[int(label)] ** (self.power - 1) / total for label in labels]
