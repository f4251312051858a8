"""What coverage is expected to be for two samples of one distribution."""

import numpy as np


def expected_coverage(n: int, neighbours: int) -> float:
    """Of n real rows by n of the same distribution.

    A row is left out if its k nearest among the 2n - 1 others are all real (Naeem et al. 2020).
    """
    i = np.arange(1, neighbours + 1)
    return 1 - float(np.prod((n - i) / (2 * n - i)))
