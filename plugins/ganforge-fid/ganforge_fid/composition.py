"""Whether two sets of images are composed of their classes in the same way."""

# K classes

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Difference in the share of a class from which the two sets are said to be composed differently.
MAX_SHARE_GAP = 0.05


def share_gap(real: Sequence[int], fake: Sequence[int], names: Sequence[str], consequence: str) -> list[str]:
    """A warning that ends in `consequence` if a class makes up different parts of the two sets, or none.

    real, fake: images in each of the K classes, at least one image in each set; names: of the classes.
    """
    counts = np.array([real, fake])
    shares = counts / counts.sum(axis=1, keepdims=True)
    worst = int(np.argmax(np.abs(shares[0] - shares[1])))
    if abs(shares[0, worst] - shares[1, worst]) <= MAX_SHARE_GAP:
        return []
    return [
        f"real and generated images differ in the share of class '{names[worst]}' ({shares[0, worst]:.0%} and "
        f"{shares[1, worst]:.0%}){consequence}"
    ]
