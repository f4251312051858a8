"""Published files in the cache: `downloads/<sha256>/<name>`, hashed before each use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ganforge.errors import CheckpointError, DownloadError
from ganforge.files import expect_file, is_file, is_folder, remove_leftovers, sha256_of, sync_folder
from ganforge.weights.address import check_digest, check_url, file_name, is_url
from ganforge.weights.download import download, failed
from ganforge.weights.pretrained import StoreContext

DOWNLOADS = "downloads"
_PART = ".part-"


def fetch_file(url_or_path: str | Path, sha256_prefix: str, context: StoreContext) -> Path:
    """The file with this sha256 (all 64 digits, or the first 8 or more): from the cache, or fetched into it.

    A path stays where it is, and is only verified. Raises DownloadError, and leaves the cache as it was;
    CheckpointError for a path; UsageError for an address or digest that can't be one.
    """
    wanted = check_digest(sha256_prefix)
    if not is_url(url_or_path):
        return _verified(Path(url_or_path), wanted)
    url = check_url(str(url_or_path))
    return find_file(wanted, context.cache) or _fetch(url, wanted, context)


def find_file(wanted: str, cache: Path) -> Path | None:
    """A cached file whose sha256 begins with `wanted`; one that is damaged is not found, and so fetched again."""
    return next((file for file, digest in stored_files(cache, wanted) if not damage_of(file, digest)), None)


def damage_of(file: Path, digest: str) -> str:
    """What is wrong with a cached file, which may have become a folder or a pipe; empty if nothing."""
    if not is_file(file):
        return "it is no file"
    try:
        found = sha256_of(file)
    except OSError as error:
        return f"it can't be read ({error.strerror})"
    return "" if found == digest else f"its sha256 is {found}"


def stored_files(cache: Path, wanted: str = "") -> Iterator[tuple[Path, str]]:
    """Each downloaded file with the sha256 it should have; not verified."""
    for folder in sorted((cache / DOWNLOADS).glob(f"{wanted}*/")):
        if not folder.name.startswith("."):
            try:
                files = sorted(folder.iterdir())
            except OSError:  # a folder that can't be looked into
                files = [folder]
            yield from ((file, folder.name) for file in files)


def _verified(path: Path, wanted: str) -> Path:
    digest = sha256_of(expect_file(path, f"there is no file {path}.", CheckpointError))
    if not digest.startswith(wanted):
        raise CheckpointError(
            f"{path} is not the file that was promised: its sha256 is {digest}, not {_shown(wanted)}. "
            "It may be damaged or incomplete; download it again."
        )
    return path


def _fetch(url: str, wanted: str, context: StoreContext) -> Path:
    folder = context.cache / DOWNLOADS
    part = folder / f"{_PART}{uuid4().hex}"
    made = [each for each in (folder, context.cache) if not is_folder(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder, f"{_PART}*")
        with part.open("xb") as file:
            digest = download(url, file, context.progress)
            if not digest.startswith(wanted):
                raise failed(url, f"its sha256 is {digest}, not {_shown(wanted)}")
            file.flush()
            os.fsync(file.fileno())
        final = folder / digest / file_name(url)
        if final.parent.is_symlink():
            raise DownloadError(f"{final.parent} is a link, through which nothing is written. Remove it.")
        final.parent.mkdir(exist_ok=True)
        if final.is_dir() and not final.is_symlink():
            shutil.rmtree(final)  # it has the place of a file: damage, as any other content
        part.replace(final)
        sync_folder(final.parent)
        sync_folder(folder)
    except OSError as error:
        raise DownloadError(
            f"can't write to {folder}: {error.strerror}. Make room there, or name another folder in GANFORGE_CACHE."
        ) from error
    finally:
        with suppress(OSError):  # the error that is on its way says more
            part.unlink()
        for each in made:  # those that hold something stay
            with suppress(OSError):
                each.rmdir()
    return final


def _shown(wanted: str) -> str:
    return wanted if len(wanted) == 64 else f"{wanted}..."
