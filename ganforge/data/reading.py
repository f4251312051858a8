"""How pixels deeper than 8 bits become the 256 levels that networks see."""

# H W pixels

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Ways in which a window maps values to levels, as DICOM names them.
LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"


@dataclass(frozen=True)
class Reading:
    """What a file alone does not say about its picture."""

    #: Centre and width of the values that become black to white, for pictures deeper than 8 bits and DICOM files;
    #: None: what a DICOM file says itself, and the full range of any other.
    window: tuple[float, float] | None = None
    #: Which frame of a DICOM file with several, counted from 0; None: such files are refused.
    frame: int | None = None

    def options(self) -> str:
        """What changes pixels, as text for the key of prepared images; nothing where nothing is said."""
        window = "" if self.window is None else f", window {self.window[0]!r} {self.window[1]!r}"
        return window + ("" if self.frame is None else f", frame {self.frame}")


AS_IT_STANDS = Reading()


def windowed(values: NDArray[Any], centre: float, width: float, function: str = LINEAR) -> NDArray[np.uint8]:
    """Values (H, W) as levels (H, W): black below the window, white above it (DICOM PS3.3 C.11.2.1.2, C.11.2.1.3)."""
    x = values.astype(np.float64)
    if function == SIGMOID:
        level = 1 / (1 + np.exp(np.clip(-4 * (x - centre) / width, -500, 500)))
    elif function == LINEAR_EXACT:
        level = (x - centre) / width + 0.5
    elif width <= 1:  # a threshold
        level = (x > centre - 0.5).astype(np.float64)
    else:
        level = (x - (centre - 0.5)) / (width - 1) + 0.5
    return np.rint(level.clip(0, 1) * 255).astype(np.uint8)


def stretched(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values (H, W) as levels (H, W), `low` black and `high` white; all black where they are the same."""
    span = high - low
    level = (values.astype(np.float64) - low) / span if span > 0 else np.zeros(values.shape)
    return np.rint(level.clip(0, 1) * 255).astype(np.uint8)
