"""What only a process of its own can show: what is imported, and what happens when a reader leaves."""

from __future__ import annotations

import os
import pty
import re
import signal
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


@pytest.mark.parametrize(
    ("use", "code", "said"),
    [("import ganforge.cli.main", 2, "error: "), ("ganforge.run('x.yaml')", 1, "ganforge.errors.UsageError: ")],
)
def test_windows_is_refused_in_a_sentence(use: str, code: int, said: str) -> None:
    probe = f"import sys, ganforge; sys.platform = 'win32'; {use}"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    sentence = "ganforge runs on Linux and macOS. On Windows install it in WSL: wsl --install."
    assert (done.returncode, done.stderr.splitlines()[-1]) == (code, f"{said}{sentence}")
    assert code == 1 or len(done.stderr.splitlines()) == 1


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


def test_at_a_terminal_ctrl_c_is_answered_at_once_and_the_last_line_is_no_bar_s(tiny_recipe: Path) -> None:
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "ganforge", "run", str(tiny_recipe), "stages[1].steps=100000"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    environment.pop("NO_COLOR", None)
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    process = subprocess.Popen(command, env=environment, cwd=tiny_recipe.parent, start_new_session=True, **streams)  # type: ignore[call-overload]
    os.close(terminal)
    shown = b""
    while chunk := _read(main):
        is_training = b" images/s" in shown
        shown += chunk
        if b" images/s" in shown and not is_training:
            process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert b"SIGINT: the step is finished and saved first; a second signal stops at once.\r\n" in shown
    # with what moves the cursor and wipes the bar taken for line ends
    lines = [line for line in re.split(rb"\r\n|\r|\x1b\[2K|\x1b\[1A|\x1b\[\?25h", shown) if line.strip()]
    (stopped,) = [number for number, line in enumerate(lines) if line.startswith(b"stopped by SIGINT; continue with")]
    assert not any(b"images/s" in line for line in lines[stopped:])


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # nobody has the other end any more
        return b""
