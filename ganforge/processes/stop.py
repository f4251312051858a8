"""Requests to stop a run: signals, and a limit of time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

#: SIGUSR2 is what Slurm sends ahead of a time limit with `--signal=USR2@300`. Exit codes are 128 + the signal's number.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


class RunStopped(KeyboardInterrupt):
    """A run ended since it was asked to. A KeyboardInterrupt, which no component may take for a fault of its own."""

    def __init__(self, reason: str, exit_code: int) -> None:
        """reason: `SIGTERM`, or which time is over; exit_code: of the process."""
        self.reason, self.exit_code = reason, exit_code
        #: Folder of the run; None where nothing was trained, but measured or drawn.
        self.path: Path | None = None
        super().__init__(f"stopped by {reason}")


#: Exit code by reason, in the order in which one of several is chosen.
REASONS = {**{number.name: 128 + number for number in SIGNALS}, "--stop-after": 128 + signal.SIGTERM}


def ignore_signals() -> None:
    """From here on this process ends by itself: a launcher sends signals to the rest when one of several has ended."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


class Stops:
    """While entered, a signal ends the run: between two steps where it is `deferred`, else at once.

    A second signal ends it at once in any case. What handled the signals before does so again afterwards. In another
    than the main thread no signal is looked at.
    """

    def __init__(
        self, after: float | None = None, *, for_good: bool = False, noted: Callable[[str], None] | None = None
    ) -> None:
        """after: seconds until the run is asked to stop; None: without a limit.

        noted: is told the name of a signal that is only noted, from within its handler.

        for_good: this is one of several processes, and ends with the run. Signals after the first are ignored, then
        and afterwards: a launcher sends them to the rest when one has ended, and kills those that take too long.
        """
        self._after, self._for_good, self._noted = after, for_good, noted
        self._deadline: float | None = None
        self._signalled: RunStopped | None = None
        self._is_deferred = self._is_at_once = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Stops:
        if self._after is not None:
            self._deadline = time.monotonic() + self._after
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # None: a handler that was not set from Python, which can't be put back
            after = signal.SIG_DFL if handler is None else handler
            signal.signal(number, signal.SIG_IGN if self._for_good else after)
        self._before = {}

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within, a first signal is only noted, for `asked` to tell.

        So it is after an error, whose place it must not take.
        """
        self._is_deferred = True
        yield
        self._is_deferred = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Within `deferred`, where something long may be broken off: a first signal is raised, and noted as well.

        One of several processes notes it only, since the others count on its part.
        """
        self._is_at_once = not self._for_good
        try:
            yield
        finally:
            self._is_at_once = False

    def asked(self) -> RunStopped | None:
        """What to raise when the current step is saved; None: go on."""
        if self._signalled is None and self._deadline is not None and time.monotonic() >= self._deadline:
            return RunStopped("--stop-after", REASONS["--stop-after"])
        return self._signalled

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        stopped = RunStopped(name, REASONS[name])
        is_second = self._signalled is not None
        if is_second and self._for_good:
            return
        if self._is_deferred or self._for_good:
            self._signalled = stopped
        if is_second or self._is_at_once or not self._is_deferred:
            raise stopped
        if self._noted is not None:
            self._noted(name)
