"""How many processors there are to compute with."""

from __future__ import annotations

import os


def usable_processors() -> int:
    """Processors that this process may use: those that a scheduler gave it, or all where that can't be told."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
