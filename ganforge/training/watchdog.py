"""Looks at the metrics of a training for signs that it goes wrong, and says what to try."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: Rows of metrics in a row that show a sign before it is told.
PATIENCE = 5
#: Sum of the discriminator's losses below which it makes no mistakes; guessing gives 1.39 by BCE and 2 by hinge.
SMALLEST_LOSS = 0.05
#: Spread of generated images, as a share of that of real ones, below which they are one image.
SMALLEST_SPREAD = 0.1


class Watchdog:
    """Tells of each sign once, and again only after it has gone."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def look(self, row: Mapping[str, float]) -> list[str]:
        """Warnings about the newest row of metrics, each with advice."""
        loss = row["loss_real"] + row["loss_fake"]
        # the terms of a Wasserstein loss have both signs, and say nothing by being small
        wins = min(row["loss_real"], row["loss_fake"]) >= 0 and loss < SMALLEST_LOSS
        same = row["spread_fake"] < SMALLEST_SPREAD * row["spread_real"]
        warnings = []
        infinite = [name for name, value in row.items() if not math.isfinite(value)]
        if infinite:
            warnings.append(
                f"{', '.join(infinite)} is not finite, and stands as null in metrics.jsonl. The losses still are "
                "finite: lower rates or a larger gamma may keep them so."
            )
        if self._is_told("wins", wins):
            warnings.append(
                f"for {PATIENCE} rows of metrics the discriminator has made no mistake (sum of its losses {loss:.2g}), "
                "so that the generator learns little. Augment more, raise gamma of R1, lower the discriminator's rate "
                "or freeze more of it."
            )
        if self._is_told("same", same):
            warnings.append(
                f"for {PATIENCE} rows of metrics generated images have been nearly the same (spread "
                f"{row['spread_fake']:.2g}, of real ones {row['spread_real']:.2g}): the generator has collapsed. Begin "
                "again with lower rates, more augmentation or another seed; `evaluation.best` keeps the best one."
            )
        return warnings

    def _is_told(self, sign: str, is_there: bool) -> bool:
        self._rows[sign] = self._rows.get(sign, 0) + 1 if is_there else 0
        return self._rows[sign] == PATIENCE
