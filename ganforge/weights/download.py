"""One file over https: whole, or an error that says what came instead and how to go on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection, responses
from typing import IO, BinaryIO
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ganforge.errors import DownloadError
from ganforge.progress import Progress
from ganforge.weights import pace
from ganforge.weights.address import check_url, file_name, refusal, without_user
from ganforge.weights.pace import PacedResponse, TooSlowError

#: Several times what the largest published GAN has, and less than a disk.
MAX_BYTES = 8 << 30
CHUNK = 1 << 20


def download(url: str, file: BinaryIO, progress: Progress) -> str:
    """Write what the server sends into `file`, and return its sha256. Raises DownloadError; OSError from `file` alone.

    Content is not judged but for its length and for being no web page; the caller compares the digest.
    """
    with _open(check_url(url)) as response:
        length = response.length
        if length is not None and length > MAX_BYTES:
            raise failed(url, f"it has {length:,} bytes, more than the limit of {MAX_BYTES:,}")
        received, digest = 0, hashlib.sha256()
        num_chunks = -(-(length or 0) // CHUNK)
        for chunk in progress(_chunks(url, response), num_chunks, f"download of {file_name(url)} (MiB)"):
            if not received and _is_page(response, chunk):
                raise failed(url, "the server sends a web page in place of the file")
            received += len(chunk)
            if received > MAX_BYTES:
                raise failed(url, f"it has more bytes than the limit of {MAX_BYTES:,}")
            digest.update(chunk)
            file.write(chunk)
    if length is not None and received != length:
        raise failed(url, f"the connection ended after {received:,} of {length:,} bytes")
    return digest.hexdigest()


def failed(url: str, reason: str) -> DownloadError:
    """The error for everything that keeps a file from being fetched."""
    return DownloadError(
        f"{url} can't be fetched: {reason}.", "Download it by hand, and name the file: source.path=FILE."
    )


class _Redirects(request.HTTPRedirectHandler):
    """Follows a redirect only to an address that would be fetched itself, and of the same scheme."""

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> request.Request | None:
        if refusal(newurl) or urlsplit(newurl).scheme != req.type:
            raise HTTPError(newurl, code, msg, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Http(request.HTTPHandler):
    def http_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(_HttpConnection, req)


class _HttpConnection(HTTPConnection):
    response_class = PacedResponse


class _Https(request.HTTPSHandler):
    def https_open(self, req: request.Request) -> HTTPResponse:
        return self.do_open(_HttpsConnection, req)


class _HttpsConnection(HTTPSConnection):
    response_class = PacedResponse


def _opener() -> request.OpenerDirector:
    """Knows http and https alone; urllib's own would open files and FTP as well."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        _Http(),
        _Https(),
        request.HTTPErrorProcessor(),
        request.HTTPDefaultErrorHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


def _open(url: str) -> HTTPResponse:
    try:
        response = _opener().open(url, timeout=pace.TIMEOUT)
    except HTTPError as error:
        error.close()
        raise failed(url, _answer(url, error)) from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a host name that can't be encoded
        raise failed(url, f"no connection to {urlsplit(url).netloc} ({_reason(error)})") from error
    assert isinstance(response, HTTPResponse)
    return response


def _chunks(url: str, response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a chunk of negative length
        raise failed(url, f"the connection broke ({_reason(error)})") from error


def _answer(url: str, error: HTTPError) -> str:
    if 300 <= error.code < 400:
        if refusal(error.url) or urlsplit(error.url).scheme != urlsplit(url).scheme:
            return f"it redirects to {without_user(error.url)}, which is refused"
        if str(error.msg).startswith(_Redirects.inf_msg):
            return "it redirects without end"
    return f"the server answers {error.code} {responses.get(error.code, '')}".rstrip()


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError) and not isinstance(cause, TooSlowError):
        return f"nothing came for {pace.TIMEOUT:g} seconds"
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _is_page(response: HTTPResponse, start: bytes) -> bool:
    begins = start[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    return begins or response.headers.get_content_type() == "text/html"
