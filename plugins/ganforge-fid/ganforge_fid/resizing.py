"""The resizer that makes distances comparable."""

# N images, H W pixels

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Resizer = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def clean_resizer(side: int) -> tuple[Resizer, str]:
    """clean-fid's resizing to side x side, and its name: (N, 3, H, W) uint8 -> (N, 3, side, side) float32 in [0, 255].

    Bicubic with antialiasing, without rounding to integers (Parmar, Zhang & Zhu 2022, "On aliased resizing and
    surprising subtleties in GAN evaluation").
    """
    from cleanfid.resize import build_resizer, make_resizer

    from ganforge.hardware import suitable_threads

    # `build_resizer("clean")` is `make_resizer` with these arguments at 299 px.
    one = build_resizer("clean") if side == 299 else make_resizer("PIL", False, "bicubic", (side, side))

    def resize(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with ThreadPoolExecutor(suitable_threads()) as pool:  # Pillow and NumPy let other threads run
            resized = list(pool.map(one, map(np.ascontiguousarray, images.transpose(0, 2, 3, 1))))
        return np.stack(resized).transpose(0, 3, 1, 2)

    return resize, f"clean-fid bicubic to {side} px"
