"""How many processors there are to compute with."""

from __future__ import annotations

import math
import os

from ganforge.cgroups import processor_quota


def usable_processors() -> int:
    """Processors that this process may use: those that a scheduler gave it, within the quota of its container.

    All of the machine's where that can't be told.
    """
    given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # not on macOS
    quota = processor_quota()
    return given if quota is None else min(given, math.ceil(quota))
