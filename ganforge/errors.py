"""Every error that a user can cause, each with the exit code that the command line returns.

0 done, 1 bug, 2 recipe or usage, 3 data, 4 diverged, 5 checkpoint, 6 memory, 7 download, 8 plugin, 9 process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

#: What moves the cursor, ends a line, clears the screen or changes colours -> how it is shown instead.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


class GanforgeError(Exception):
    """Base of all errors that are the input's fault and not a bug."""

    exit_code = 1


class UsageError(GanforgeError):
    """A command was called in a way that can't work."""

    exit_code = 2


class OutputError(UsageError):
    """The folder of a run can't be written to, or has no room."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recipe: where it stands, and what to do about it."""

    message: str
    path: tuple[str | int, ...] = ()
    file: Path | None = None
    line: int | None = None
    column: int | None = None
    #: Other values that it takes for the problem; whoever knows where they came from says it.
    related: tuple[tuple[str | int, ...], ...] = ()

    def __str__(self) -> str:
        place = ""
        if self.file is not None:
            place = str(self.file)
            if self.line is not None:
                place += f":{self.line}:{self.column}"
            place += " "
        dotted = dotted_path(self.path)
        return f"{place}{dotted}{': ' if dotted else ''}{self.message}"


class RecipeError(GanforgeError):
    """A recipe can't be used. Holds every problem that was found, not just the first."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = [Problem(problems)]
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SeveralErrors(GanforgeError):  # noqa: N818 - each of them is one
    """What is wrong at once in several places. Exits as the first of them does."""

    def __init__(self, errors: Sequence[GanforgeError]) -> None:
        self.exit_code = errors[0].exit_code
        super().__init__("\n".join(dict.fromkeys(map(str, errors))))


class DataError(GanforgeError):
    """Pictures, labels or tables can't be used."""

    exit_code = 3


class DivergedError(GanforgeError):
    """Training produced a number that is not finite."""

    exit_code = 4


class CheckpointError(GanforgeError):
    """Weights can't be read, don't verify, or don't fit the network.

    advice: what to do where a recipe names them; a command that takes them in another way says it in other words.
    """

    exit_code = 5

    def __init__(self, reason: str, advice: str = "") -> None:
        self.reason, self.advice = reason, advice
        super().__init__(f"{reason} {advice}" if advice else reason)


class MemoryLimitError(GanforgeError):
    """The device has too little memory for the batch."""

    exit_code = 6


class DownloadError(GanforgeError):
    """A file can't be fetched, or is not the file that was promised.

    advice: what to do where the file is that of a source; whoever fetches something else says it in other words.
    """

    exit_code = 7

    def __init__(self, reason: str, advice: str = "") -> None:
        self.reason, self.advice = reason, advice
        super().__init__(f"{reason} {advice}".rstrip())


class PluginError(GanforgeError):
    """A plugin is broken, or two of them claim the same name."""

    exit_code = 8


class ProcessError(GanforgeError):
    """One of the processes that work together was lost, or they don't agree any more."""

    exit_code = 9

    def with_advice(self, text: str) -> ProcessError:
        """The same with a sentence more; of another process's error only that one tells."""
        return ProcessError(f"{self} {text}") if type(self) is ProcessError else self


class ElsewhereError(ProcessError):
    """Another of the processes has failed, and tells of it. exit_code: that of its error."""

    def __init__(self, text: str, exit_code: int = ProcessError.exit_code) -> None:
        self.exit_code = exit_code
        super().__init__(text)


def expect_unix() -> None:
    """Raise UsageError on Windows, which lacks the signals and locks that runs count on."""
    if sys.platform == "win32":
        raise UsageError("ganforge runs on Linux and macOS. On Windows install it in WSL: wsl --install.")


def expect_packages(what: str, extra: str, *names: str) -> None:
    """Raise UsageError, saying how to install them, where one of the packages is missing."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs {', '.join(missing)}: pip install '{extra}'.")


def dotted_path(path: Iterable[str | int]) -> str:
    """`("stages", 0, "steps")` as users write it: `stages[0].steps`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def one_line(text: str) -> str:
    """Text with names of files or classes in it, which may hold what ends a line: `x\\x0aerror: none.png`."""
    return text.translate(CONTROLS)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'fid'?` with a space in front, or nothing."""
    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{one_line(close[0])}'?" if close else ""
