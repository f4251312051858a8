"""From exceptions to messages and exit codes. No user sees a traceback without asking for it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ganforge.errors import GanforgeError, RecipeError
from ganforge.telling.pipe import PipeClosedError

#: 128 + SIGINT and 128 + SIGPIPE, as shells count.
INTERRUPTED = 130
PIPE_CLOSED = 141


@contextmanager
def reported(debug: bool) -> Iterator[None]:
    """Turn whatever a verb raises into lines on standard error and `typer.Exit` with the right code."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except PipeClosedError:
        # what the interpreter flushes at its end must not fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(PIPE_CLOSED) from None
    except GanforgeError as error:
        if debug:
            traceback.print_exc()
        say_error(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        say("stopped")
        raise typer.Exit(INTERRUPTED) from None
    except (Exception, SystemExit) as error:  # a plugin that ends the program must not look like success
        say_error(f"this is a bug in ganforge or in a plugin: {type(error).__name__}: {error}")
        traceback.print_exc()
        raise typer.Exit(1) from None


def say_error(error: GanforgeError | str) -> None:
    """`error: ...` on standard error; a recipe's problems take one line each."""
    from ganforge.telling.output import error_output

    messages = [str(problem) for problem in error.problems] if isinstance(error, RecipeError) else [str(error)]
    for message in messages:
        error_output().labelled("error", message, "bold red")


def say_warning(text: str) -> None:
    """`warning: ...` on standard error."""
    from ganforge.telling.output import error_output

    error_output().labelled("warning", text, "yellow")


def say(text: str) -> None:
    """One line on standard error."""
    from ganforge.telling.output import error_output

    error_output().line(text)
