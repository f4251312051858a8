"""Options that every verb takes count in front of the verb and behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from typer.testing import Result

from ganforge import plugins
from ganforge.cli.options import Settings, choose_device
from ganforge.errors import UsageError

Ganforge = Callable[..., Result]

PLUGIN = '''
from typing import Literal
from ganforge import hookimpl
from ganforge.interfaces import RateSpec

class Halved(RateSpec):
    """Half of something."""
    kind: Literal["mylab_halved"] = "mylab_halved"
    rate: float = 1.0

    def at(self, step, num_steps):
        return self.rate / 2

@hookimpl
def ganforge_rates():
    return [Halved]
'''


@pytest.fixture
def plugin_file(tmp_path: Path) -> Path:
    path = tmp_path / "mylab.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


@pytest.fixture
def broken_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """One installed plugin whose module does not exist."""
    entry = EntryPoint("mylab", "mylab_that_is_not_there", plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry])


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("data", "check", ""), "RECIPE|FOLDER|TABLE"),
        (("sample", "run", "--out", " "), "--out"),
        (("compare", "run", ""), "RUN..."),
        (("report", "run", "--panel", ""), "--panel"),
        (("eval", "run", "--real", ""), "--real"),
        (("eval", "run", "--train", ""), "--train"),
        (("ls", "rate", "-p", ""), "-p' / '--plugin"),
    ],
)
def test_an_empty_path_is_not_the_current_folder(ganforge: Ganforge, words: tuple[str, ...], name: str) -> None:
    result = ganforge(*words)
    path = next(word for word in words if not word.strip())
    assert result.exit_code == 2 and f"Invalid value for '{name}': must be a path, not {path!r}." in result.stderr


@pytest.mark.parametrize("option", ["-p", "--plugin"])
def test_a_plugin_file_counts_on_both_sides_of_the_verb(ganforge: Ganforge, plugin_file: Path, option: str) -> None:
    for words in ((option, plugin_file, "ls", "rate"), ("ls", "rate", option, plugin_file)):
        result = ganforge(*words)
        assert result.exit_code == 0
        assert "  mylab_halved: Half of something.\n" in result.stdout


def test_the_same_file_on_both_sides_is_loaded_once(ganforge: Ganforge, plugin_file: Path) -> None:
    assert ganforge("-p", plugin_file, "plugins", "-p", plugin_file).exit_code == 0


def test_a_plugin_file_that_is_not_there_is_a_plugin_error(ganforge: Ganforge) -> None:
    result = ganforge("-p", "nope.py", "ls")
    assert (result.exit_code, result.stderr) == (8, "error: there is no plugin file nope.py.\n")


def test_a_broken_plugin_is_a_warning(ganforge: Ganforge, broken_plugin: None) -> None:
    result = ganforge("ls", "rate")
    assert result.exit_code == 0
    assert result.stderr == "warning: plugin 'mylab' is broken and left out; `ganforge plugins` says why.\n"


@pytest.mark.parametrize("words", [("--strict-plugins", "ls"), ("ls", "--strict-plugins")])
def test_a_broken_plugin_stops_a_strict_command(ganforge: Ganforge, broken_plugin: None, words: tuple[str]) -> None:
    result = ganforge(*words)
    assert result.exit_code == 8
    assert result.stderr == (
        "error: plugin 'mylab' (unknown): ModuleNotFoundError: No module named 'mylab_that_is_not_there'\n"
    )


def test_plugins_lists_broken_ones_with_their_reasons(ganforge: Ganforge, broken_plugin: None) -> None:
    result = ganforge("plugins")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(
        "\n1 broken plugin:\n  mylab (unknown)\n    ModuleNotFoundError: No module named 'mylab_that_is_not_there'\n"
    )
    assert json.loads(ganforge("plugins", "--json").stdout)["broken"][0]["plugin"] == "mylab"


def test_a_broken_plugin_can_be_blocked(ganforge: Ganforge, broken_plugin: None) -> None:
    result = ganforge("--block", "mylab", "ls", "rate", "--strict-plugins")
    assert (result.exit_code, result.stderr) == (0, "")


def test_blocking_what_is_not_installed_is_an_error(ganforge: Ganforge, broken_plugin: None) -> None:
    result = ganforge("ls", "--block", "mylap")
    assert result.exit_code == 2
    assert result.stderr == "error: there is no plugin 'mylap' to block. Did you mean 'mylab'? Installed: mylab.\n"


def test_suggested_commands_carry_plugins_and_are_quoted() -> None:
    settings = Settings((Path("a b.py"),), ("dr",))
    assert settings.command("resume", Path("runs/1")) == "ganforge -p 'a b.py' --block dr resume runs/1"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert choose_device("auto", None).type == "cpu"
    with pytest.raises(UsageError) as caught:
        choose_device("cuda", None)
    assert str(caught.value) == "torch finds no CUDA device. Leave --device out, or say --device cpu."


def test_a_gpu_is_taken_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
    assert [choose_device(name, None).type for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


@pytest.mark.parametrize(
    "words",
    [("nope",), ("ls", "--nope"), ("run",), ("run", "x.yaml", "--device", "tpu"), ("run", "x.yaml", "--threads", "0")],
)
def test_wrong_usage_exits_with_2(ganforge: Ganforge, words: tuple[str, ...]) -> None:
    result = ganforge(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")


def test_each_verb_lists_the_common_options(ganforge: Ganforge) -> None:
    for verb in ("run", "resume", "check", "show", "freeze", "ls", "plugins", "sample", "export", "schema"):
        text = ganforge(verb, "--help").stdout
        assert all(option in text for option in ("--plugin", "--block", "--strict-plugins", "--debug"))


def test_threads_fit_the_quota_of_a_container_unless_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", taken.append)
    monkeypatch.setattr("torch.get_num_threads", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)))
    monkeypatch.setattr("ganforge.processors.processor_quota", lambda: 3.5)
    for threads in (None, 7):
        choose_device("cpu", threads)
    assert taken == [4, 7]
