"""The folder for what can be made again: prepared images, features, downloaded weights."""

from __future__ import annotations

import os
from pathlib import Path

from ganforge.errors import DataError
from ganforge.files import nearest_existing


def cache_folder() -> Path:
    """`$GANFORGE_CACHE`, else `ganforge` under `$XDG_CACHE_HOME` or `~/.cache`."""
    if named := os.environ.get("GANFORGE_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ganforge"


def unwritable(what: str, place: Path, error: OSError) -> DataError:
    """The error for a folder of the cache into which `what` can't be written."""
    there = nearest_existing(place)
    reason = f"{there} is a file and no folder" if not there.is_dir() else error.strerror or error
    return DataError(
        f"{what} can't be written to {place}: {reason}. "
        f"The environment variable GANFORGE_CACHE can name another folder for the cache."
    )
