"""Whether something can be written where it was asked for, before the work for it begins."""

from __future__ import annotations

import os
from pathlib import Path

from ganforge.errors import OutputError, UsageError
from ganforge.files import is_folder, is_special, nearest_existing

#: By which a contact sheet, a page and a schema of recipes are known that ganforge wrote.
SHEET_TITLE = "contact sheet of ganforge"
SHEET_SIGN = b"tEXtTitle\0" + SHEET_TITLE.encode()
PAGE_SIGN = b'<meta name="generator" content="ganforge">'
SCHEMA_SIGN = b'"title": "ganforge recipe"'
_SIGNED_WITHIN = 1000


def expect_free_folder(out: Path, *unless: str) -> None:
    """Raise UsageError where no new folder can be made: something is there, or nothing may be written there.

    An empty folder is free, as is one that holds a name in `unless`, by which is told what goes on in it.
    """
    try:
        is_free = not os.path.lexists(out) or (is_folder(out) and not any(out.iterdir()))
    except OSError as error:
        raise UsageError(f"{out} can't be read: {error.strerror}. Choose another with --out.") from error
    if not is_free and not any(os.path.lexists(out / name) for name in unless):
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


def expect_free(file: Path, option: str = "--out", *, unless: bytes = b"") -> None:
    """Raise OutputError as well where a file is there already, since it would be lost.

    unless: what stands near the beginning of those that ganforge wrote itself, and may write anew.
    """
    expect_writable(file, option)
    if os.path.lexists(file) and not (unless and unless in _beginning(file)):
        kind = " and was not written by this command" if unless else ""
        raise OutputError(f"{file} exists{kind}. Choose another file with {option}.")


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_SIGNED_WITHIN)
    except OSError:
        return b""


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
