"""A server on this machine that shows a folder, and a small checkpoint to put there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from ganforge.files import sha256_of
from ganforge_flowers.layouts import LAYOUTS


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Standard error is for pytest."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a server of this machine shows it."""
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def publish() -> Callable[[Path], str]:
    """Writes a checkpoint, and returns its sha256."""
    return _publish


def _publish(path: Path) -> str:
    shared = torch.arange(6.0).reshape(2, 3)
    blocks = {f"module.{block}.conv_0.bias": torch.zeros(1) for block in sorted(LAYOUTS[0].blocks[0])}
    generator = {"module.fc.weight": shared, "module.fc.bias": shared[:, 0], **blocks}
    discriminator = {"module.fc.bias": torch.ones(2), **blocks}
    torch.save({"generator": generator, "discriminator": discriminator, "it": 7}, path)
    return sha256_of(path)
