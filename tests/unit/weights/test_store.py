"""A published file is fetched whole and as promised, or one error says why not and the cache stays as it was."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faulty_server import FaultyServer, content, faulty_server, redirect, status

from ganforge.errors import CheckpointError, DownloadError, UsageError
from ganforge.weights import download
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.store import fetch_file

BODY = bytes(range(256)) * 10
DIGEST = hashlib.sha256(BODY).hexdigest()
GO_ON = "Download it by hand, and name the file: source.path=FILE."


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setenv("no_proxy", "*")
    with faulty_server() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def files_in(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


def refused(url: str, cache: Path, digest: str = DIGEST) -> str:
    """The one message, after a look at the cache and the exit code."""
    before = files_in(cache)
    with pytest.raises(DownloadError) as caught:
        fetch_file(url, digest, StoreContext(cache))
    assert caught.value.exit_code == 7
    assert files_in(cache) == before
    return str(caught.value)


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


def test_an_interrupted_download_says_how_far_it_came(server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan.pt", content(BODY[:1000], length=len(BODY)))
    assert refused(url, cache) == (f"{url} can't be fetched: the connection ended after 1,000 of 2,560 bytes. {GO_ON}")


def test_a_file_with_another_sha256_is_not_kept(server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan-8c505f47.pt", content(BODY))
    assert refused(url, cache, "8c505f47") == (
        f"{url} can't be fetched: its sha256 is {DIGEST}, not 8c505f47.... {GO_ON}"
    )
    other = "0" * 64
    assert refused(url, cache, other) == f"{url} can't be fetched: its sha256 is {DIGEST}, not {other}. {GO_ON}"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\n <!DOCTYPE html><title>Log in</title>", "application/octet-stream"),
        (b"<HTML>gone", "application/octet-stream"),
        (b"please log in", "text/html; charset=utf-8"),
    ],
)
def test_a_web_page_in_place_of_the_file_is_told(server: FaultyServer, cache: Path, body: bytes, kind: str) -> None:
    url = server.serve("/gan.pt", content(body, kind=kind))
    assert refused(url, cache) == (f"{url} can't be fetched: the server sends a web page in place of the file. {GO_ON}")


@pytest.mark.parametrize(("code", "words"), [(404, "404 Not Found"), (503, "503 Service Unavailable")])
def test_the_answer_of_a_server_that_has_no_file_is_told(
    server: FaultyServer, cache: Path, code: int, words: str
) -> None:
    url = server.serve("/gan.pt", status(code))
    assert refused(url, cache) == f"{url} can't be fetched: the server answers {words}. {GO_ON}"


def test_without_a_connection_the_host_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/gan.pt"
        host = url.split("/")[2]
        assert refused(url, cache) == f"{url} can't be fetched: no connection to {host} (Connection refused). {GO_ON}"


def test_a_server_that_falls_silent_is_left(server: FaultyServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    done = threading.Event()

    def stall(handler) -> None:
        content(BODY[:10], length=len(BODY))(handler)
        handler.wfile.flush()
        done.wait(20)

    url = server.serve("/gan.pt", stall)
    message = refused(url, cache)
    done.set()
    assert message == (f"{url} can't be fetched: the connection broke (nothing came for 0.2 seconds). {GO_ON}")


@pytest.mark.parametrize(
    "target", ["https://127.0.0.1/gan.pt", "http://example.invalid/gan.pt", "file:///etc/passwd", "ftp://127.0.0.1/x"]
)
def test_a_redirect_to_another_scheme_or_an_open_address_is_refused(
    server: FaultyServer, cache: Path, target: str
) -> None:
    url = server.serve("/gan.pt", redirect(target))
    assert refused(url, cache) == f"{url} can't be fetched: it redirects to {target}, which is refused. {GO_ON}"


def test_a_redirect_on_the_same_scheme_is_followed_and_a_circle_is_left(server: FaultyServer, cache: Path) -> None:
    server.serve("/moved.pt", content(BODY))
    url = server.serve("/gan.pt", redirect("/moved.pt"))
    assert fetch_file(url, DIGEST, StoreContext(cache)).name == "gan.pt"
    circle = server.serve("/circle", redirect("/circle"))
    assert refused(circle, cache, "0" * 8) == f"{circle} can't be fetched: it redirects without end. {GO_ON}"


@pytest.mark.parametrize(
    ("length", "reason"),
    [(None, "it has 2,560 bytes, more than the limit of 2,000"), (-1, "it has more bytes than the limit of 2,000")],
)
def test_a_file_over_the_limit_is_refused(
    server: FaultyServer, cache: Path, monkeypatch: pytest.MonkeyPatch, length: int | None, reason: str
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 2000)
    monkeypatch.setattr(download, "CHUNK", 500)
    url = server.serve("/gan.pt", content(BODY, length))
    assert refused(url, cache) == f"{url} can't be fetched: {reason}. {GO_ON}"


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
