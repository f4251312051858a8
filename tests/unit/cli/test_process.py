"""What only a process of its own can show: what is imported, and what happens when a reader leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys
from pathlib import Path
from ganforge.cli.main import main
sys.argv = ["ganforge", *{words!r}]
try:
    main()
except SystemExit as exit:
    assert exit.code == 0, exit.code
assert "torch" not in sys.modules
print("no torch", file=sys.stderr)
"""


@pytest.mark.parametrize("words", [["--help"], ["ls"], ["schema"], ["plugins"], ["weights", "ls"]])
def test_torch_is_not_imported_where_nothing_is_computed(words: list[str]) -> None:
    command = [sys.executable, "-c", PROBE.format(words=words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == "no torch\n"


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "ganforge", "ls", "nope"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no kind of component 'nope'.")


@pytest.mark.parametrize("words", [["schema"], ["ls"]])
def test_a_reader_that_leaves_early_causes_no_message(words: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "ganforge", *words]
    done = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TERM": "dumb", "NO_COLOR": "1", "FORCE_COLOR": ""},
    ],
    ids=["ascii", "posix", "dumb"],
)
def test_a_poor_terminal_gets_plain_words_and_the_right_exit_code(tiny_images: Path, locale: dict[str, str]) -> None:
    odd = tiny_images / "größe"
    (tiny_images / "small").rename(odd)
    (no_folder := tiny_images.with_name("file")).touch()
    out = no_folder / "x.yaml"
    command = [sys.executable, "-m", "ganforge", "new", "recipe", str(tiny_images), "--out", str(out)]
    done = subprocess.run(command, env={**os.environ, **locale}, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr and b"\x1b" not in done.stdout + done.stderr
    assert done.stderr.startswith(b"error: ")
