"""What a file holds, as a sha256, remembered by path, size and time so that files are read once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ganforge.cache import unwritable
from ganforge.data.images import LoadContext
from ganforge.errors import DataError
from ganforge.files import write_bytes

_MEMO = "content.json"


def content_hashes(files: Sequence[Path], context: LoadContext) -> list[str]:
    """sha256 (hex) of each file, in order.

    A file whose path, size and modification time (ns) were seen before is not read again. Raises DataError
    for files that can't be read.
    """
    memo_file = context.cache / _MEMO
    memo = _read_memo(memo_file)
    known: dict[str, str] = {}
    fresh: dict[str, Path] = {}
    signs = []
    for file in files:
        sign = _sign(file)
        signs.append(sign)
        if sign in memo:
            known[sign] = memo[sign]
        else:
            fresh[sign] = file
    if fresh:
        with ThreadPoolExecutor(max(1, context.workers)) as pool:  # hashlib lets other threads run
            hashes = context.progress(pool.map(_sha256, fresh.values()), len(fresh), "reading images")
            known.update(zip(fresh, hashes, strict=True))
        try:
            write_bytes(memo_file, json.dumps(memo | known).encode())
        except OSError as error:
            raise unwritable(_MEMO, context.cache, error) from error
    return [known[sign] for sign in signs]


def _sign(file: Path) -> str:
    try:
        status = file.stat()
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}.") from error
    return json.dumps([str(file.resolve()), status.st_size, status.st_mtime_ns])


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}.") from error


def _read_memo(file: Path) -> dict[str, str]:
    """What was remembered; nothing where the memo can't be read or is damaged: it only saves time."""
    try:
        memo = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    is_memo = isinstance(memo, dict) and all(isinstance(value, str) for value in memo.values())
    return memo if is_memo else {}
