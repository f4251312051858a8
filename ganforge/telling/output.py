"""Text on a stream: styled and wrapped at words on a terminal, plain whole lines elsewhere."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ganforge.errors import CONTROLS, one_line
from ganforge.telling.pipe import PipeClosedError

#: Those that own text of several lines doesn't have; names in it are made `one_line`.
_CONTROLS = {code: shown for code, shown in CONTROLS.items() if chr(code) not in "\t\n"}


class _Console(Console):
    """Lets a closed pipe surface as an error instead of ending the process here."""

    def on_broken_pipe(self) -> None:
        raise PipeClosedError


class Output:
    """Writes what users read. No markup is interpreted: `[brackets]` and `:names:` stay as they are.

    Names of files, and what plugins say, may hold control characters; these come out as `\\x1b`.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _Console(file=sys.stdout, markup=False, emoji=False, highlight=False)

    @property
    def is_live(self) -> bool:
        """Whether lines can be redrawn: a terminal that understands cursor movement."""
        stream = self.console.file
        return stream.isatty() and self.console.is_terminal and not self.console.is_dumb_terminal

    def raw(self, text: str) -> None:
        """Text for programs, byte for byte."""
        try:
            self.console.file.write(_encodable(text))
            self.console.file.flush()
        except BrokenPipeError:
            raise PipeClosedError from None

    def line(self, text: str = "", style: str = "") -> None:
        """One line as it stands, however long it is."""
        self._print(Text(_plain(text), style=style))

    def labelled(self, label: str, text: str, style: str) -> None:
        """`label: text`, with the label in a style; on a terminal that is too narrow, broken at words."""
        first, *others = self._broken(f"{label}: {_plain(text)}")
        rest = first.removeprefix(f"{label}:")
        self._print(Text.assemble((f"{label}:", style), rest))
        for line in others:
            self.line(line)

    def _print(self, text: Text) -> None:
        try:
            self.console.print(text, soft_wrap=True)
        except OSError:
            # a terminal that was closed, a disk that is full: no reason to end a training that runs for days
            self.console.file = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends

    def paragraph(self, text: str, indent: int = 0, style: str = "") -> None:
        """One line; on a terminal that is too narrow for it, several, the later ones indented further."""
        for line in self._broken(text, indent):
            self.line(line, style)

    def _broken(self, text: str, indent: int = 0) -> list[str]:
        """Lines of at most the terminal's width, later ones of a paragraph indented further; elsewhere as they are."""
        blank = " " * indent
        if not self.console.is_terminal:
            return [blank + text]
        return [
            line
            for paragraph in text.split("\n")
            for line in textwrap.wrap(
                paragraph,
                max(self.console.width, 20),
                initial_indent=blank,
                subsequent_indent=blank + _indent_of(paragraph) + "  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            or [""]
        ]

    def table(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = (), indent: int = 0
    ) -> None:
        """Aligned columns under a header; columns whose numbers are in `right` are aligned to the right."""
        first, *others = self.aligned([header, *rows], right, indent)
        self.line(first, "bold")
        for line in others:
            self.line(line)

    def aligned(self, rows: Sequence[Sequence[str]], right: Collection[int] = (), indent: int = 0) -> list[str]:
        """The rows of a table, for those who put others between them.

        On a terminal that is too narrow the columns stand closer; if that is not enough, what is long widens no column,
        and the last cell of a row goes below the others where it is text and doesn't fit.
        """
        plain, blank = [[_plain(one_line(cell)) for cell in row] for row in rows], " " * indent
        width = self.console.width - indent if self.console.is_terminal else sys.maxsize
        for gap in (2, 1):
            lines = aligned(plain, right, gap)
            if max(map(cell_len, lines)) <= width:
                return [blank + line for line in lines]
        widths = []
        for number, column in enumerate(zip(*plain, strict=True)):
            longest = width * (2 if number == 0 else 1) // 3
            widths.append(max([cell_len(cell) for cell in column if cell_len(cell) <= longest], default=0))
        found = []
        for row in plain:
            line = blank + "  ".join(_padded(row, widths, right)).rstrip()
            if cell_len(line) > width and len(row) > 1 and len(row) - 1 not in right:
                first = "  ".join(_padded(row[:-1], widths[:-1], right)).rstrip()
                line = f"{blank}{first}\n{blank}    {row[-1]}"
            found.append(line)
        return found


def _indent_of(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _plain(text: str) -> str:
    return _encodable(text.translate(_CONTROLS))


def _encodable(text: str) -> str:
    """Parts of odd file names, which UTF-8 can't hold, as the escapes that JSON has for them."""
    return text.encode(errors="backslashreplace").decode()


def error_output() -> Output:
    """What goes to standard error."""
    return Output(_Console(stderr=True, markup=False, emoji=False, highlight=False))


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = (), gap: int = 2) -> list[str]:
    """Lines with the cells of each column padded to one width, `gap` spaces apart; no blanks at the ends."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [(" " * gap).join(_padded(row, widths, right)).rstrip() for row in rows]


def _padded(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> list[str]:
    blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
    return [
        blank + cell if number in right else cell + blank
        for number, (cell, blank) in enumerate(zip(row, blanks, strict=True))
    ]


def counted(number: int, noun: str) -> str:
    """`1 step`, `1,000 steps`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: `1:02:03`; nothing is less than no time, whatever a clock says."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
