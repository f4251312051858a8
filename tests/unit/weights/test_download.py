"""Whatever goes wrong in a download: one error with exit code 7 says what, and the cache stays as it was."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from faulty_server import FaultyServer, content, redirect, status

from ganforge.errors import DownloadError
from ganforge.weights import download, pace
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.store import fetch_file

BODY = bytes(range(256)) * 10
DIGEST = hashlib.sha256(BODY).hexdigest()
GO_ON = "Download it by hand, and name the file: source.path=FILE."


def files_in(cache: Path) -> list[str]:
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())


def refused(url: str, cache: Path, digest: str = DIGEST) -> str:
    """The one message, after a look at the cache and the exit code."""
    before = files_in(cache)
    with pytest.raises(DownloadError) as caught:
        fetch_file(url, digest, StoreContext(cache))
    assert caught.value.exit_code == 7
    assert files_in(cache) == before
    assert before or not cache.exists()
    return str(caught.value)


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
    monkeypatch.setattr(pace, "TIMEOUT", 0.2)
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
    ("head", "again", "reason"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "no connection to {host} (no whole answer within 0.2 seconds)"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", "no connection to {host} (no whole answer within 0.2 seconds)"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a", "the connection broke (less than 4,096 bytes a second came)"),
    ],
)
def test_a_server_that_drips_is_left(
    server: FaultyServer, cache: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, again: bytes, reason: str
) -> None:
    monkeypatch.setattr(pace, "TIMEOUT", 0.2)

    def drip(handler) -> None:
        with suppress(OSError):  # whoever asked has gone
            handler.wfile.write(head)
            for _ in range(60):
                handler.wfile.write(again)
                time.sleep(0.05)

    url = server.serve("/gan.pt", drip)
    reason = reason.format(host=url.split("/")[2])
    assert refused(url, cache) == f"{url} can't be fetched: {reason}. {GO_ON}"


def test_a_chunk_of_negative_length_is_an_answer_that_breaks_off(server: FaultyServer, cache: Path) -> None:
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc"
    url = server.serve("/gan.pt", lambda handler: handler.wfile.write(broken))
    assert refused(url, cache).startswith(f"{url} can't be fetched: the connection broke (")


def test_an_answer_that_redirects_nowhere_is_told_by_its_code(server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan.pt", status(304))
    assert refused(url, cache) == f"{url} can't be fetched: the server answers 304 Not Modified. {GO_ON}"


def test_a_password_in_a_redirect_is_not_shown(server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan.pt", redirect("http://me:secret@127.0.0.1/gan.pt"))
    assert refused(url, cache) == (
        f"{url} can't be fetched: it redirects to http://127.0.0.1/gan.pt, which is refused. {GO_ON}"
    )


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


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError])
def test_a_download_that_is_stopped_leaves_nothing(
    server: FaultyServer, cache: Path, stop: type[BaseException]
) -> None:
    def progress(items, total, what):
        yield next(iter(items))
        raise stop

    with pytest.raises(stop):
        fetch_file(server.serve("/gan.pt", content(BODY)), DIGEST, StoreContext(cache, progress))
    assert files_in(cache) == []


def test_a_full_disk_is_told(server: FaultyServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert refused(server.serve("/gan.pt", content(BODY)), cache) == (
        f"can't write to {cache / 'downloads'}: No space left on device. "
        "Make room there, or name another folder in GANFORGE_CACHE."
    )
