"""Every error ends in a message on standard error and in the exit code of its kind."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from ganforge import errors
from ganforge.cli.errors import PipeClosedError, reported
from ganforge.errors import GanforgeError, Problem, RecipeError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, GanforgeError)]
#: Those that are made of a message.
PLAIN = [kind for kind in KINDS if kind is not errors.SeveralErrors]


def exit_code(error: BaseException, *, debug: bool = False) -> int:
    with pytest.raises(typer.Exit) as caught, reported(debug):
        raise error
    return caught.value.exit_code


@pytest.mark.parametrize("kind", PLAIN)
def test_each_kind_of_error_has_its_exit_code(kind: type[GanforgeError], capsys: pytest.CaptureFixture[str]) -> None:
    error = kind("it can't [bold]be[/bold] done.")
    assert exit_code(error) == kind.exit_code
    assert capsys.readouterr().err == "error: it can't [bold]be[/bold] done.\n"


def test_all_kinds_of_errors_were_found() -> None:
    assert len(KINDS) == 13


def test_several_errors_are_told_once_each_and_exit_as_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    both = errors.SeveralErrors([errors.DataError("no images."), errors.UsageError("no."), errors.DataError("no.")])
    assert exit_code(both) == errors.DataError.exit_code
    assert capsys.readouterr().err == "error: no images.\nno.\n"


def test_each_problem_of_a_recipe_takes_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    file = Path("x.yaml")
    problems = [
        Problem("must be positive.", ("stages", 0, "steps"), file, 3, 9),
        Problem(f"is {'very ' * 30}long.", ("seed",)),
    ]
    assert exit_code(RecipeError(problems)) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: x.yaml:3:9 stages[0].steps: must be positive.",
        f"error: seed: is {'very ' * 30}long.",
    ]


def test_debug_shows_the_traceback_in_front_of_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    exit_code(errors.DataError("no images."), debug=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "error: no images."


def test_an_unexpected_error_is_called_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(ZeroDivisionError("division by zero")) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "error: this is a bug in ganforge or in a plugin: ZeroDivisionError: division by zero"
    assert lines[1] == "Traceback (most recent call last):"


def test_a_plugin_that_ends_the_program_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(SystemExit(0)) == 1
    assert capsys.readouterr().err.startswith("error: this is a bug in ganforge or in a plugin: SystemExit: 0\n")


def test_ctrl_c_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_exits_pass_through() -> None:
    assert exit_code(typer.Exit(5)) == 5


def test_a_closed_pipe_is_silent(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.dup2", lambda old, new: None)
    assert exit_code(PipeClosedError()) == 141
    assert capfd.readouterr().err == ""
