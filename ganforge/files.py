"""Files that are either whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganforge.errors import GanforgeError

#: Can only be read by setting it.
_UMASK = os.umask(0o077)
os.umask(_UMASK)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by a file with this content, in one step; a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o666 & ~_UMASK)  # mkstemp keeps others out
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text; what UTF-8 can't hold, as parts of odd file names, is written as an escape."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: Path, data: Any) -> None:
    """`write_bytes` of indented JSON; NaN and infinity are refused."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, error: type[GanforgeError]) -> Any:
    """The JSON in `path`; raises `error` with the place where it can't be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"there is no {path}.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as reason:
        raise error(f"{path} can't be read: {reason}") from reason


def sync_folder(path: Path) -> None:
    """Make renames in this folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path, pattern: str) -> None:
    """Remove what killed processes left half written; nothing that is still being written stands still for an hour."""
    for path in folder.glob(pattern):
        with suppress(OSError):  # another process may have removed it
            if time.time() - path.stat().st_mtime < 3600:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sha256_of(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
