"""The library that trains generators of labelled medical images from a few hundred pictures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganforge.errors import expect_unix
from ganforge.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganforge.api import export, load, resume, run, score
    from ganforge.card import Card
    from ganforge.errors import GanforgeError
    from ganforge.listener import Listener
    from ganforge.notebook import TrainedGenerator
    from ganforge.processes.stop import RunStopped

__all__ = [
    "Card",
    "GanforgeError",
    "Listener",
    "RunStopped",
    "TrainedGenerator",
    "export",
    "hookimpl",
    "load",
    "resume",
    "run",
    "score",
]

#: Name -> the module that has it, imported when the name is used: plugins import ganforge to be listed, without torch.
_HOMES = {
    **dict.fromkeys(("export", "load", "resume", "run", "score"), "ganforge.api"),
    "Card": "ganforge.card",
    "GanforgeError": "ganforge.errors",
    "Listener": "ganforge.listener",
    "RunStopped": "ganforge.processes.stop",
    "TrainedGenerator": "ganforge.notebook",
}


if not TYPE_CHECKING:  # to type checkers, it would give any name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'ganforge' has no attribute '{name}'")
        expect_unix()
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
