"""Text comes out as it went in, aligned, and never wrapped where no terminal wraps it."""

from __future__ import annotations

import errno
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from ganforge.telling.output import Output, aligned, counted, duration

words = st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=1, max_size=8)
tables = st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(words, min_size=n, max_size=n), min_size=1, max_size=5))


def output(*, terminal: bool, width: int = 40) -> tuple[Output, io.StringIO]:
    stream = io.StringIO()
    console = Console(
        file=stream, force_terminal=terminal, color_system=None, width=width, markup=False, emoji=False, highlight=False
    )
    return Output(console), stream


@given(tables)
def test_columns_start_at_the_same_place_in_each_row(rows: list[list[str]]) -> None:
    lines = aligned(rows)
    for number in range(len(rows[0])):
        starts = set()
        for row, line in zip(rows, lines, strict=True):
            before = sum(max(cell_len(r[k]) for r in rows) + 2 for k in range(number))
            position = next(i for i in range(len(line) + 1) if cell_len(line[:i]) == before)
            assert line[position:].startswith(row[number])
            starts.add(before)
        assert len(starts) == 1


def test_numbers_are_aligned_to_the_right() -> None:
    assert aligned([("stage", "steps"), ("head", "2"), ("all", "1,000")], right={1}) == [
        "stage  steps",
        "head       2",
        "all    1,000",
    ]


def test_brackets_and_colons_are_not_markup() -> None:
    written, stream = output(terminal=False)
    written.line("[bold]x[/bold] :smile: [link=1]")
    written.labelled("error", "no field 'blocks[3]'", "bold red")
    assert stream.getvalue() == "[bold]x[/bold] :smile: [link=1]\nerror: no field 'blocks[3]'\n"


def test_long_lines_stay_whole_where_there_is_no_terminal() -> None:
    written, stream = output(terminal=False)
    written.paragraph("word " * 40 + "end", indent=2)
    assert stream.getvalue().count("\n") == 1


def test_paragraphs_break_at_words_on_a_terminal() -> None:
    written, stream = output(terminal=True, width=20)
    written.paragraph("one two three four five six", indent=2)
    assert stream.getvalue() == "  one two three four\n    five six\n"


@pytest.mark.parametrize(("number", "text"), [(0, "0 images"), (1, "1 image"), (1234, "1,234 images")])
def test_counts_agree_with_their_noun(number: int, text: str) -> None:
    assert counted(number, "image") == text


def test_a_noun_in_s_gets_es() -> None:
    assert counted(3, "class") == "3 classes"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:00:00"), (59.6, "0:01:00"), (3723, "1:02:03")])
def test_durations_are_hours_minutes_seconds(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_control_characters_are_shown_and_not_obeyed() -> None:
    written, stream = output(terminal=False)
    written.line("a\x1b[2Jb\nc\x9b")
    written.labelled("warning", "\x07", "bold")
    written.table(("score",), [("red\x1b[31m",), ("x\r\nerror:\ty",)])
    assert stream.getvalue() == ("a\\x1b[2Jb\nc\\x9b\nwarning: \\x07\nscore\nred\\x1b[31m\nx\\x0d\\x0aerror:\\x09y\n")


def test_a_terminal_that_is_gone_ends_no_training() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    output = Output(Console(file=Gone()))
    output.line("step 1")
    output.labelled("warning", "nobody reads this", "yellow")
    assert output.console.file.name == os.devnull


def test_no_duration_is_negative_when_a_clock_jumps_back() -> None:
    assert duration(-3600) == "0:00:00"


def test_long_errors_break_at_words_on_a_terminal_and_nowhere_else() -> None:
    text = "the first line is long\n  - an item that is long"
    for terminal, shown in (
        (True, "error: the first line\n  is long\n  - an item that is\n    long\n"),
        (False, f"error: {text}\n"),
    ):
        written, stream = output(terminal=terminal, width=22)
        written.labelled("error", text, "")
        assert stream.getvalue() == shown


def test_a_table_comes_closer_where_the_terminal_is_narrow() -> None:
    rows = [("abcdef", "ghijkl"), ("m", "n")]
    for width, lines in ((14, ["abcdef  ghijkl", "m       n"]), (13, ["abcdef ghijkl", "m      n"])):
        written, stream = output(terminal=True, width=width)
        written.table(*rows[:1], rows[1:])
        assert stream.getvalue().splitlines() == lines


def test_in_a_table_that_is_still_too_wide_the_last_cell_goes_below() -> None:
    rows = [("flowers", "here", "x"), ("celeba", "no", "https://somewhere.org/a/long/file")]
    written, stream = output(terminal=True, width=30)
    written.table(("source", "state", "from"), rows, indent=2)
    assert stream.getvalue().splitlines() == [
        "  source   state  from",
        "  flowers  here   x",
        "  celeba   no",
        "      https://somewhere.org/a/long/file",
    ]
    plain, stream = output(terminal=False, width=30)
    plain.table(("source", "state", "from"), rows, indent=2)
    assert max(map(len, stream.getvalue().splitlines())) > 30
