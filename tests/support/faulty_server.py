"""A web server on this machine that answers as it is told, faults included."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from ganforge.testing.site import listening

Answer = Callable[[BaseHTTPRequestHandler], None]


class FaultyServer:
    """`answers`: path -> what the server does when it is asked for; `asked`: the paths, in order."""

    address: str

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []

    def serve(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return f"{self.address}{path}"


@contextmanager
def faulty_server() -> Iterator[FaultyServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            server.answers.get(self.path, status(404))(self)

        def log_message(self, *words: object) -> None:
            """Standard error is for pytest."""

    server = FaultyServer()
    with listening(Handler) as server.address:
        yield server


def content(body: bytes, length: int | None = None, kind: str = "application/octet-stream") -> Answer:
    """200 with this body; length: what the header claims, where that is another number, or nothing if negative."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        claimed = len(body) if length is None else length
        if claimed >= 0:
            handler.send_header("Content-Length", str(claimed))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


def redirect(target: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer
