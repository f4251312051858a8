"""The help of every verb: in 80 columns, whole sentences in the list, and an example that can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

import pytest
import typer
from typer.testing import Result

from ganforge.cli.examples import EXAMPLES
from ganforge.cli.main import ORDER, app
from ganforge.processes.join import TIMEOUT_S

Ganforge = Callable[..., Result]


def verbs() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Words behind `ganforge` and the command."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        yield from ((f"{name} {sub}", each) for sub, each in inner.items()) if inner else [(name, command)]


def test_there_are_examples_for_exactly_the_verbs_that_there_are() -> None:
    assert sorted(EXAMPLES) == sorted(name for name, _ in verbs())
    assert sorted(ORDER) == sorted({name.split()[0] for name in EXAMPLES})
    assert len(EXAMPLES) == 25


@pytest.mark.parametrize("verb", EXAMPLES)
def test_help_fits_80_columns_and_ends_with_an_example(ganforge: Ganforge, verb: str) -> None:
    result = ganforge(*verb.split(), "--help")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-1] == f"    ganforge {EXAMPLES[verb][-1]}"


@pytest.mark.parametrize(("verb", "command"), list(verbs()))
def test_an_example_can_be_parsed(verb: str, command: typer.core.TyperCommand) -> None:
    for text in EXAMPLES[verb]:
        words = shlex.split(text)[len(verb.split()) :]
        assert command.make_context(verb, words).params


def test_no_verb_is_cut_off_in_the_list_of_verbs(ganforge: Ganforge) -> None:
    for words in ([], ["new"], ["data"], ["weights"]):
        listed = ganforge(*words, "--help").stdout.split("Commands:\n")[1]
        assert "..." not in listed


@pytest.mark.parametrize("verb", EXAMPLES)
def test_help_speaks_of_no_types_of_python(ganforge: Ganforge, verb: str) -> None:
    text = ganforge(*verb.split(), "--help").stdout
    assert "Options:\n" in text
    assert not re.search(r"list\[|<(path|Path|str|int|float|bool)>", text)


def test_the_help_of_resume_says_what_stays_in_its_folder_and_how_long_is_waited(ganforge: Ganforge) -> None:
    text = " ".join(ganforge("resume", "--help").stdout.split())
    assert "Values under `trackers` alone, which say where numbers are sent, change nothing that was trained:" in text
    assert "--patience TIME Stop when one process has waited so long for another. Default: 10m." in text
    assert f"{TIMEOUT_S / 60:g}m" == "10m"
