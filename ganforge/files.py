"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from ganforge.errors import GanforgeError

T = TypeVar("T")

#: Can only be read by setting it.
_UMASK = os.umask(0o077)
os.umask(_UMASK)


#: What a file system without locks answers: Lustre, some network disks.
NO_LOCKS = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK})
#: Bytes of a JSON file that is read.
MAX_JSON = 100_000_000
#: Faults of network file systems that may be over in a moment.
TRANSIENT = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT})
#: Seconds before the second, third and fourth try.
PAUSES = (0.5, 2.0, 8.0)


@contextmanager
def written_aside(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to; it replaces `path` in one step when the block ends well, and is on the disk then.

    A kill leaves the old file or the new one. If the block fails, the old one stays. Raises OSError, also where a
    device, a pipe or a socket has that name: renamed over, `/dev/null` would be lost.
    """
    if is_special(path):
        raise OSError(errno.EINVAL, "it is a device, a pipe or a socket, not a file", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o666 & ~_UMASK)  # mkstemp keeps others out
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by a file with this content, as `written_aside`. Faults that may pass: see `retried`."""
    retried(lambda: _write(path, content))


def _write(path: Path, content: bytes) -> None:
    with written_aside(path) as file:
        file.write(content)


def retried(action: Callable[[], T]) -> T:
    """What `action` returns; after a fault that may pass it is tried again, three times."""
    for pause in PAUSES:
        try:
            return action()
        except OSError as error:
            if error.errno not in TRANSIENT:
                raise
            time.sleep(pause)
    return action()


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of UTF-8 text; what UTF-8 can't hold, as parts of odd file names, is written as an escape."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: Path, data: Any) -> None:
    """`write_bytes` of indented JSON; NaN and infinity are refused."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path, error: type[GanforgeError]) -> Any:
    """The JSON in `path`; raises `error` with the place where it can't be read."""
    expect_file(path, f"there is no {path}.", error)
    try:
        if path.stat().st_size > MAX_JSON:
            raise error(f"{path} has more than {MAX_JSON:,} bytes; nothing that ganforge writes is so large.")
        return json.loads(path.read_text(encoding="utf-8"))
    # beside what is no JSON or UTF-8: numbers of thousands of digits, brackets nested by the thousand
    except (OSError, ValueError, RecursionError) as reason:
        raise error(f"{path} can't be read: {reason}") from reason


def not_utf8(what: str, name: str) -> str:
    """What is wrong with the name of a `what`, and the way out; nothing for a name that UTF-8 can hold."""
    shown = name.encode(errors="backslashreplace").decode()
    return (
        "" if shown == name else f"the {what} {shown} has a name that is not UTF-8. Rename it, or set LC_ALL=C.UTF-8."
    )


def expect_file(path: Path, missing: str, error: type[GanforgeError]) -> Path:
    """The path, if a regular file is there that can be opened: no folder, and no pipe, which would wait for a writer.

    Raises `error` with `missing` where there is none or a folder, else with what is there or keeps it from being read.
    """
    mode = 0
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        pass  # told below
    except (OSError, ValueError) as reason:  # ValueError: a null character, which no path has
        raise error(f"{path} can't be read: {getattr(reason, 'strerror', None) or reason}.") from reason
    if not mode or stat.S_ISDIR(mode):
        raise error(missing)
    if not stat.S_ISREG(mode):
        raise error(f"{path} is {kind_of(mode)}, not a file.")
    return path


def kind_of(mode: int) -> str:
    """`a folder`, `a pipe`, ... for the mode of what is no regular file."""
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def is_file(path: Path) -> bool:
    """Whether a regular file is there; pathlib's own raises for a name that is too long, or in a closed folder."""
    return os.path.isfile(path)  # noqa: PTH113


def is_special(path: Path) -> bool:
    """Whether something is there that is neither a regular file nor a folder nor a link to nothing."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; as `is_file`."""
    return os.path.isdir(path)  # noqa: PTH112


def nearest_existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    there = path.absolute()
    while not os.path.exists(there):  # noqa: PTH110 - pathlib's own raises below a closed folder
        there = there.parent
    return there


def sync_folder(path: Path) -> None:
    """Make renames in this folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, held: GanforgeError, without_locks: Callable[[], None]) -> Iterator[None]:
    """Within, no other process gets past here with the same file; ends with the process, however that ends.

    Raises `held` while another process is within. without_locks: called where the file system has none.
    """
    # not through a link, which in a folder from elsewhere may lead to any file
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise held from error
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            without_locks()
        yield
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
