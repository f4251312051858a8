"""Published files stand in the cache under their sha256, are hashed before use, and come from where they may."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faulty_server import FaultyServer, content

from ganforge.errors import CheckpointError, DownloadError, UsageError
from ganforge.weights import download
from ganforge.weights.catalogue import verify
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.store import fetch_file

BODY = bytes(range(256)) * 10
DIGEST = hashlib.sha256(BODY).hexdigest()


def files_in(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


@pytest.mark.parametrize("digest", [DIGEST, DIGEST[:8], DIGEST[:8].upper()])
def test_a_file_is_fetched_once_and_stands_under_its_sha256(server: FaultyServer, cache: Path, digest: str) -> None:
    url = server.serve("/models/gan.pt", content(BODY))
    file = fetch_file(url, digest, StoreContext(cache))
    assert file == cache / "downloads" / DIGEST / "gan.pt"
    assert file.read_bytes() == BODY
    assert fetch_file(url, digest, StoreContext(cache)) == file
    assert server.asked == ["/models/gan.pt"]
    assert files_in(cache) == [f"downloads/{DIGEST}/gan.pt"]


def test_a_file_of_unknown_length_is_fetched(server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan.pt", content(BODY, length=-1))
    assert fetch_file(url, DIGEST, StoreContext(cache)).read_bytes() == BODY


@pytest.mark.parametrize("damage", ["folder", "broken link", "link to itself", "pipe"])
def test_what_is_no_file_is_damaged_and_fetched_again(damage: str, server: FaultyServer, cache: Path) -> None:
    place = cache / "downloads" / DIGEST / "gan.pt"
    place.parent.mkdir(parents=True)
    if damage == "folder":
        (place / "inner").mkdir(parents=True)
    elif damage == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("none" if damage == "broken link" else place)
    assert verify(cache) == [(place, "it is no file")]
    file = fetch_file(server.serve("/gan.pt", content(BODY)), DIGEST, StoreContext(cache))
    assert file == place and not place.is_symlink() and place.read_bytes() == BODY


def test_nothing_is_written_through_a_link(server: FaultyServer, cache: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = cache / "downloads" / DIGEST
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(DownloadError) as caught:
        fetch_file(server.serve("/gan.pt", content(BODY)), DIGEST, StoreContext(cache))
    assert str(caught.value) == f"{link} is a link, through which nothing is written. Remove it."
    assert not list(elsewhere.iterdir())


def test_two_that_fetch_at_once_get_the_same_file(server: FaultyServer, cache: Path) -> None:
    both_have_begun = threading.Barrier(2, timeout=20)

    def together(handler) -> None:
        both_have_begun.wait()
        content(BODY)(handler)

    url = server.serve("/gan.pt", together)
    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(lambda _: fetch_file(url, DIGEST, StoreContext(cache)), range(2)))
    assert files[0] == files[1] and files[0].read_bytes() == BODY
    assert files_in(cache) == [f"downloads/{DIGEST}/gan.pt"]


def test_a_cached_file_that_was_damaged_is_fetched_again(server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan.pt", content(BODY))
    file = fetch_file(url, DIGEST, StoreContext(cache))
    file.write_bytes(BODY[:-1] + b"?")
    assert fetch_file(url, DIGEST, StoreContext(cache)).read_bytes() == BODY
    assert len(server.asked) == 2


def test_progress_is_told_by_the_chunk(server: FaultyServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "CHUNK", 1000)
    told = []

    def progress(items, total, what):
        told.append((total, what))
        yield from items

    fetch_file(server.serve("/gan.pt", content(BODY)), DIGEST, StoreContext(cache, progress))
    assert told == [(3, "download of gan.pt (MiB)")]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "http://example.invalid/gan.pt",
            "http://example.invalid/gan.pt is refused: only https addresses are fetched.",
        ),
        ("file:///etc/passwd", "file:///etc/passwd is refused: only https addresses are fetched."),
        (
            "https://me:secret@example.invalid/gan.pt",
            "https://example.invalid/gan.pt is refused: it holds a user name or password, which would be recorded.",
        ),
        ("https:///gan.pt", "https:///gan.pt is refused: only https addresses are fetched."),
        ("https://a b/c", "https://a b/c is refused: it holds characters that no address has."),
    ],
)
def test_an_address_that_is_not_https_is_refused_before_anything_is_opened(url: str, message: str, cache: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fetch_file(url, DIGEST, StoreContext(cache))
    assert str(caught.value) == message
    assert not cache.exists()


@pytest.mark.parametrize("digest", ["", "8c505f4", "../../etc", "g" * 8, "*" * 8, "0" * 65])
def test_a_digest_must_have_eight_digits_at_least(digest: str, cache: Path) -> None:
    with pytest.raises(UsageError) as caught:
        fetch_file("https://example.invalid/gan.pt", digest, StoreContext(cache))
    assert str(caught.value) == f"'{digest}' is no sha256, nor its first 8 digits or more (0-9, a-f)."


def test_a_file_of_ones_own_stays_where_it_is_and_is_verified(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "gan.pt"
    with pytest.raises(CheckpointError) as caught:
        fetch_file(path, DIGEST, StoreContext(cache))
    assert str(caught.value) == f"there is no file {path}."
    path.write_bytes(BODY)
    assert fetch_file(str(path), DIGEST[:10], StoreContext(cache)) == path
    path.write_bytes(BODY[:-1])
    with pytest.raises(CheckpointError) as caught:
        fetch_file(path, DIGEST, StoreContext(cache))
    found = hashlib.sha256(BODY[:-1]).hexdigest()
    assert str(caught.value) == (
        f"{path} is not the file that was promised: its sha256 is {found}, not {DIGEST}. "
        "It may be damaged or incomplete; download it again."
    )
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_named(server: FaultyServer, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.write_text("a file where the folder should be")
    url = server.serve("/gan.pt", content(BODY))
    with pytest.raises(DownloadError) as caught:
        fetch_file(url, DIGEST, StoreContext(cache))
    assert str(caught.value) == (
        f"can't write to {cache / 'downloads'}: Not a directory. "
        "Make room there, or name another folder in GANFORGE_CACHE."
    )


def test_what_a_kill_left_is_removed_and_a_download_under_way_is_not(server: FaultyServer, cache: Path) -> None:
    folder = cache / "downloads"
    folder.mkdir(parents=True)
    (folder / ".part-old").touch()
    (folder / ".part-new").touch()
    two_hours_ago = time.time() - 7200
    os.utime(folder / ".part-old", (two_hours_ago, two_hours_ago))
    fetch_file(server.serve("/gan.pt", content(BODY)), DIGEST, StoreContext(cache))
    assert files_in(cache) == ["downloads/.part-new", f"downloads/{DIGEST}/gan.pt"]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/a/%2e%2e", "file"), ("/", "file"), ("/.hidden", "hidden"), ("/a%2Fb%20c.pt", "b_c.pt"), ("/x.pt?id=1", "x.pt")],
)
def test_a_name_from_an_address_is_safe_in_a_folder(server: FaultyServer, cache: Path, path: str, name: str) -> None:
    file = fetch_file(server.serve(path, content(BODY)), DIGEST, StoreContext(cache))
    assert file == cache / "downloads" / DIGEST / name
