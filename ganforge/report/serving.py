"""One page on this machine alone: two addresses, no files, no listing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ganforge.errors import UsageError
from ganforge.report.live import LivePage

HOST = "127.0.0.1"
#: Names under which this machine may be asked; others are those of a page elsewhere that wants to read this one.
_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


@contextmanager
def served(page: LivePage, port: int = 0) -> Iterator[str]:
    """The address of the page, until the block ends; port: 0 takes one that is free. Raises UsageError."""
    try:
        server = ThreadingHTTPServer((HOST, port), _handler(page))
    except OSError as error:
        raise UsageError(f"can't serve at port {port}: {error.strerror}. Choose another with --port.") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(page: LivePage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "ganforge", ""
        #: Seconds after which a client that says nothing is left.
        timeout = 30

        def do_GET(self) -> None:
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in _NAMES:
                self._answer(403, "text/plain", "This page is for this machine alone.\n")
            elif self.path == "/":
                self._answer(200, "text/html", page.html())
            elif self.path == "/state.json":
                self._answer(200, "application/json", json.dumps(page.state()))
            else:
                self._answer(404, "text/plain", "There is one page here, at /.\n")

        def _answer(self, status: int, kind: str, text: str) -> None:
            body = text.encode(errors="backslashreplace")
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked has gone

        def log_message(self, *words: object) -> None:
            """Requests are nobody's business."""

    return Handler
