"""A server whose faults a test chooses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faulty_server import FaultyServer, faulty_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    monkeypatch.setenv("no_proxy", "*")
    with faulty_server() as running:
        yield running
