"""Addresses and digests of published files, checked before anything is opened."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from ganforge.errors import UsageError

#: Digits that published file names carry, as `imagenet-8c505f47.pt`; fewer are met by chance.
MIN_DIGITS = 8
_DIGEST = re.compile(rf"[0-9a-f]{{{MIN_DIGITS},64}}")
_IN_NAME = re.compile(rf"-([0-9a-f]{{{MIN_DIGITS},64}})\.\w+$")
_LOCAL = ("localhost", "127.0.0.1")


def is_url(text: str | Path) -> bool:
    """Whether it is an address and not a path; the address may still be one that is refused."""
    return isinstance(text, str) and "://" in text


def refusal(url: str) -> str | None:
    """Why an address is not fetched, or None. https only; http from this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    if not url.isascii() or not url.isprintable() or " " in url:
        return "it holds characters that no address has"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password, which would be recorded"
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL)):
        return "only https addresses are fetched"
    return None


def check_url(url: str) -> str:
    """The address. Raises UsageError for one that is refused."""
    if reason := refusal(url):
        raise UsageError(f"{without_user(url)} is refused: {reason}.")
    return url


def check_digest(text: str) -> str:
    """A sha256 or its first digits, in lower case. Raises UsageError."""
    digest = text.lower()
    if not _DIGEST.fullmatch(digest):
        raise UsageError(f"'{text}' is no sha256, nor its first {MIN_DIGITS} digits or more (0-9, a-f).")
    return digest


def digest_in(url: str) -> str | None:
    """`8c505f47` of `https://somewhere/imagenet-8c505f47.pt`; None where the name carries no digest."""
    found = _IN_NAME.search(urlsplit(url).path)
    return found.group(1) if found else None


def file_name(url: str) -> str:
    """Last part of the path, as a name that is safe in any folder."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).lstrip(".")[-100:] or "file"


def without_user(url: str) -> str:
    """For messages: no password, whatever it is made of, and nothing that a terminal would obey."""
    return re.sub(r"[^ -~]", "?", re.sub(r"//.*@", "//", url))


def _field(check: str) -> AfterValidator:
    def validate(text: str) -> str:
        try:
            return {"url": check_url, "digest": check_digest}[check](text)
        except UsageError as error:
            raise ValueError(str(error)) from None

    return AfterValidator(validate)


#: Fields of a spec.
Url = Annotated[str, _field("url")]
Sha256 = Annotated[str, _field("digest")]
