"""A server's answer that must keep a pace: one that sends a byte now and then would else be read for days."""

from __future__ import annotations

import io
import time
from http.client import HTTPResponse
from typing import Any

#: Seconds without a byte, and until the answer's head is complete.
TIMEOUT = 30.0
#: Bytes a second that must come after that, on average; what is slower is better fetched by hand.
MIN_RATE = 4096


class TooSlowError(TimeoutError):
    """A server that sends, but too little to wait for."""


class PacedResponse(HTTPResponse):
    """An answer whose head comes within TIMEOUT, and whose body at MIN_RATE or faster. Raises TooSlowError."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert isinstance(self.fp, io.BufferedReader)
        self._paced = _Paced(self.fp.detach())
        self.fp = io.BufferedReader(self._paced)

    def begin(self) -> None:
        super().begin()
        self._paced.has_head = True


class _Paced(io.RawIOBase):
    """What comes over the socket `raw`, as long as enough of it comes."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self.raw = raw
        self.has_head = False
        self.received = 0
        self.start = time.monotonic()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        count = self.raw.readinto(buffer)
        self.received += count or 0
        seconds = time.monotonic() - self.start
        if seconds > TIMEOUT and not self.has_head:
            raise TooSlowError(f"no whole answer within {TIMEOUT:g} seconds")
        if seconds > TIMEOUT and self.received < MIN_RATE * seconds:
            raise TooSlowError(f"less than {MIN_RATE:,} bytes a second came")
        return count

    def close(self) -> None:
        self.raw.close()
        super().close()
