"""Whether something can be written where it was asked for, before the work for it begins."""

from __future__ import annotations

import os
from pathlib import Path

from ganforge.errors import OutputError, UsageError
from ganforge.files import is_file, is_folder, is_special, nearest_existing


def expect_free_folder(out: Path, *unless: str) -> None:
    """Raise UsageError where no new folder can be made: something is there, or nothing may be written there.

    An empty folder is free, as is one with a file of a name in `unless`, which can tell what goes on in it.
    """
    try:
        is_free = not os.path.lexists(out) or (is_folder(out) and not any(out.iterdir()))
    except OSError as error:
        raise UsageError(f"{out} can't be read: {error.strerror}. Choose another with --out.") from error
    if not is_free and not any(is_file(out / name) for name in unless):
        raise UsageError(f"{out} exists and is no empty folder. Choose another with --out.")
    if reason := why_closed(out):
        raise UsageError(f"can't make the folder {out}: {reason}. Choose another with --out.")


def expect_writable(file: Path, option: str = "--out") -> None:
    """Raise OutputError where the file can't be written. The folder need not be there yet."""
    reason = "it is a folder" if is_folder(file) else why_closed(file.parent)
    if is_special(file):
        reason = "it is a device, a pipe or a socket, not a file"
    if reason:
        raise OutputError(f"can't write {file}: {reason}. Choose another file with {option}.")


def why_closed(folder: Path) -> str:
    """Why no file can be made in a folder, which need not be there; nothing where one can."""
    try:
        os.stat(folder)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        pass  # told below, by the nearest folder that is there
    except (OSError, ValueError) as error:  # a name that is too long
        return getattr(error, "strerror", None) or str(error)
    there = nearest_existing(folder)
    if not is_folder(there):
        return f"{there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} may not be written to"
