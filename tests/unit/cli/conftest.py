"""The command line in this process."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from ganforge.cli.main import app

Ganforge = Callable[..., Result]


@pytest.fixture
def ganforge(monkeypatch: pytest.MonkeyPatch) -> Ganforge:
    """Calls `ganforge` with words; what comes back has exit_code, stdout and stderr."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])
