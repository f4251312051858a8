"""What a file holds, as a sha256, remembered by path, size and time so that files are read once."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ganforge.cache import unwritable
from ganforge.data.images import LoadContext
from ganforge.files import kind_of, write_bytes

_MEMO = "content.json"


@dataclass(frozen=True)
class Unreadable:
    """A file that can't be read, and why, as one clause."""

    reason: str


def content_hashes(files: Sequence[Path], context: LoadContext) -> list[str | Unreadable]:
    """sha256 (hex) of each file, in order; Unreadable for one that has gone, is closed, or is no file.

    A file whose path, size and modification time (ns) were seen before is not read again.
    """
    memo_file = context.cache / _MEMO
    memo = _read_memo(memo_file)
    known: dict[str, str] = {}
    fresh: dict[str, Path] = {}
    signs = []
    for file in files:
        sign = _sign(file)
        signs.append(sign)
        if isinstance(sign, str):
            if sign in memo:
                known[sign] = memo[sign]
            else:
                fresh[sign] = file
    failed: dict[str, Unreadable] = {}
    if fresh:
        with ThreadPoolExecutor(max(1, context.workers)) as pool:  # hashlib lets other threads run
            hashes = context.progress(pool.map(content_hash, fresh.values()), len(fresh), "reading images")
            for sign, digest in zip(fresh, hashes, strict=True):
                if isinstance(digest, str):
                    known[sign] = digest
                else:
                    failed[sign] = digest
        try:
            write_bytes(memo_file, json.dumps(memo | known).encode())
        except OSError as error:
            raise unwritable(_MEMO, context.cache, error) from error
    return [sign if isinstance(sign, Unreadable) else known.get(sign) or failed[sign] for sign in signs]


def _sign(file: Path) -> str | Unreadable:
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # to open a pipe would wait for a writer
            return Unreadable(f"is {kind_of(status.st_mode)}, not a file")
        sign = json.dumps([os.path.realpath(file), status.st_size, status.st_mtime_ns])
        return hashlib.sha256(sign.encode()).hexdigest()  # so that no name of a file stays in the cache
    except OSError as error:
        return _reason(error)


def content_hash(file: Path) -> str | Unreadable:
    """sha256 (hex) of one file, read now."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return _reason(error)


def _reason(error: OSError) -> Unreadable:
    return Unreadable("is not there" if isinstance(error, FileNotFoundError) else f"can't be read: {error.strerror}")


def _read_memo(file: Path) -> dict[str, str]:
    """What was remembered; nothing where the memo can't be read or is damaged: it only saves time."""
    try:
        memo = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    is_memo = isinstance(memo, dict) and all(isinstance(value, str) for value in memo.values())
    return memo if is_memo else {}
