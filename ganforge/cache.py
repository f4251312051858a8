"""The folder for what can be made again: prepared images, features, downloaded weights."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$GANFORGE_CACHE`, else `ganforge` under `$XDG_CACHE_HOME` or `~/.cache`."""
    if named := os.environ.get("GANFORGE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganforge"
