"""Commands that are suggested."""

from __future__ import annotations

import shlex


def command(*words: object) -> str:
    """A ganforge command, quoted for a shell."""
    return shlex.join(str(word) for word in ("ganforge", *words))
