"""Bars on a terminal, a few whole lines elsewhere, and the same items either way."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ganforge.listener import StepReport
from ganforge.telling.display import LiveDisplay, PlainDisplay, choose_display, details
from ganforge.telling.output import Output

METRICS = {"loss_generator": 0.5, "loss_real": 0.25, "loss_fake": 1.0}


def report(step: int, stage: str = "head", num_steps: int = 100) -> StepReport:
    return StepReport(step, num_steps, stage, step * 4, 8.0, METRICS)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def plain() -> tuple[PlainDisplay, io.StringIO, Clock]:
    stream, clock = io.StringIO(), Clock()
    return PlainDisplay(Output(Console(file=stream, width=80)), clock), stream, clock


def live() -> tuple[LiveDisplay, io.StringIO]:
    stream = io.StringIO()
    return LiveDisplay(Output(Console(file=stream, force_terminal=True, width=80, color_system=None))), stream


def test_details_name_speed_losses_and_the_time_left() -> None:
    assert details(report(10)) == "8 images/s  G 0.500  D 1.250  0:00:45 left"


def test_details_leave_out_what_is_not_known() -> None:
    assert details(StepReport(1, 2, "head", 4, 0.0, {})) == "0 images/s"


def test_at_most_one_line_in_ten_seconds_tells_of_steps() -> None:
    display, stream, clock = plain()
    for step in range(1, 31):
        display.step(report(step))
        clock.now += 1
    lines = stream.getvalue().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["step 1/100", "step 11/100", "step 21/100"]


def test_stage_changes_and_the_last_step_are_always_told() -> None:
    display, stream, _ = plain()
    for step, stage in ((1, "head"), (2, "head"), (3, "all"), (4, "all")):
        display.step(report(step, stage, num_steps=4))
    assert [line.split("  ")[:2] for line in stream.getvalue().splitlines()] == [
        ["step 1/4", "stage head"],
        ["step 3/4", "stage all"],
        ["step 4/4", "stage all"],
    ]


def told_of_a_loop(total: int, seconds_each: float) -> list[str]:
    display, stream, clock = plain()
    seen = []
    for item in display.progress(range(total), total, "[reading]"):
        seen.append(item)
        clock.now += seconds_each
    assert seen == list(range(total))
    return stream.getvalue().splitlines()


@given(total=st.integers(0, 40), seconds_each=st.floats(0.1, 30))
def test_plain_progress_tells_at_most_once_in_ten_seconds_and_at_the_end(total: int, seconds_each: float) -> None:
    lines = told_of_a_loop(total, seconds_each)
    seconds = total * seconds_each
    assert len(lines) <= seconds / 10 + 1
    assert not lines or lines[-1] == f"[reading]: 100% ({total}/{total})  0:00:00 left"
    if seconds >= 20 + 2 * seconds_each:
        assert len(lines) >= 2


def test_plain_progress_keeps_silent_about_a_loop_of_less_than_ten_seconds() -> None:
    assert told_of_a_loop(10, seconds_each=0.99) == []


def test_plain_progress_tells_the_percent_that_is_done_and_the_time_left() -> None:
    assert told_of_a_loop(30, seconds_each=0.5) == [
        "[reading]: 66% (20/30)  0:00:05 left",
        "[reading]: 100% (30/30)  0:00:00 left",
    ]


def test_plain_lines_hold_no_control_characters() -> None:
    display, stream, _ = plain()
    display.step(report(1))
    assert all(character == "\n" or character.isprintable() for character in stream.getvalue())


def test_live_progress_passes_the_items_on_and_gives_the_cursor_back() -> None:
    display, stream = live()
    assert list(display.progress("abc", 3, "[reading]")) == ["a", "b", "c"]
    assert "[reading]" in stream.getvalue()
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_the_bar_of_a_training_fits_80_columns() -> None:
    display, stream = live()
    display.step(StepReport(12_345, 100_000, "adapt", 400_000, 131.4, METRICS))
    display.close()
    (shown,) = {line for line in stream.getvalue().replace("\r", "\n").splitlines() if "images/s" in line}
    bar = shown.replace("\x1b[?25l", "").replace("\x1b[2K", "")
    assert bar.startswith("adapt ━")
    assert bar.endswith("12,345/100,000 131 images/s  G 0.500  D 1.250  6:00:15 left")
    assert len(bar) == 80


@pytest.mark.parametrize(
    ("width", "shown"),
    [(60, "12,345/100,000 131 images/s  6:00:15 left"), (40, "12,345/100,000 6:00:15 left"), (26, "12,345/100,000")],
)
def test_a_narrow_terminal_gets_whole_words_the_time_last(width: int, shown: str) -> None:
    stream = io.StringIO()
    display = LiveDisplay(Output(Console(file=stream, force_terminal=True, width=width, color_system=None)))
    display.step(StepReport(12_345, 100_000, "adapt", 400_000, 131.4, METRICS))
    display.close()
    bars = [line for line in stream.getvalue().replace("\r", "\n").splitlines() if "12,345" in line]
    assert bars[-1].rstrip().endswith(shown)
    assert "…" not in bars[-1]


def test_a_bar_is_ascii_where_the_terminal_is() -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    written = io.BytesIO()
    stream = Terminal(written, encoding="ascii", errors="backslashreplace")
    display = LiveDisplay(Output(Console(file=stream, force_terminal=True, width=60, color_system=None)))
    display.step(report(50))
    display.close()
    stream.flush()
    assert b"head --" in written.getvalue()
    assert b"\\u" not in written.getvalue()


def test_messages_stand_above_the_bar() -> None:
    display, stream = live()
    display.step(report(1))
    display.output.line("a message")
    display.close()
    assert "a message" in stream.getvalue()


def test_a_loop_that_is_left_early_ends_its_bar() -> None:
    display, stream = live()

    def stop() -> None:
        for item in display.progress(range(3), 3, "reading"):
            if item == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    display.close()
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_lines_are_chosen_where_nothing_can_be_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_display(Output(Console(file=io.StringIO()))), PlainDisplay)
    forced = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(choose_display(Output(forced)), PlainDisplay)


def test_a_bar_is_chosen_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose_display(Output(Console(file=Terminal()))), LiveDisplay)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_display(Output(Console(file=Terminal()))), PlainDisplay)
