"""A run that is killed at any instant, as often as one likes, and resumed, leaves the bytes of one that was not."""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from trainings import StopAfter, Stopped, contents

from ganforge.errors import CheckpointError, GanforgeError
from ganforge.execute import resume, run
from ganforge.listener import Listener
from ganforge.opening import find_run
from ganforge.processes.stop import RunStopped
from ganforge.recipe.load import LoadedRecipe, load_recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import load_newest
from ganforge.runs.rundir import RunDir, is_run

CPU = torch.device("cpu")
#: GANFORGE_EXAMPLES=1000 kills 400 times.
KILLS = 2 * int(os.environ.get("GANFORGE_EXAMPLES", "25")) // 5
STEPS = ("stages[0].steps=10", "stages[1].steps=30", "output.samples_every=4", "evaluation.evaluators=[]")
FORK = multiprocessing.get_context("fork")


def go_on(loaded: LoadedRecipe, components: Components, limit: int | None = None) -> None:
    """What `ganforge run RECIPE --resume auto` does; ends this process with its exit code."""
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        found = find_run(loaded)
        if found is None:
            run(loaded, Listener(), CPU)
        else:
            resume(found, components, Listener(), CPU)
    except GanforgeError as error:
        os._exit(error.exit_code)
    except RunStopped as stop:
        os._exit(stop.exit_code)
    except BaseException:
        os._exit(1)
    os._exit(0)


def loaded_recipe(recipe: Path, folder: Path, components: Components) -> LoadedRecipe:
    return load_recipe(recipe, [*STEPS, f"output.folder={folder}"], components)


def results(folder: Path) -> dict[str, bytes]:
    """All files but those with the folder's name, or the hash of a recipe that has it."""
    # a kill before run.json was there leaves a folder that is no run
    (path,) = (path for path in folder.iterdir() if is_run(path))
    named = ("recipe.yaml", "run.json", "report.html", "state.json", "manifest.json", ".lock")
    return {name: content for name, content in contents(path).items() if Path(name).name not in named}


@pytest.fixture
def uninterrupted(tiny_recipe: Path, tmp_path: Path, components: Components) -> dict[str, bytes]:
    run(loaded_recipe(tiny_recipe, tmp_path / "whole", components), Listener(), CPU)
    return results(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_and_resumed_it_ends_with_the_same_bytes(
    number: signal.Signals, uninterrupted: dict[str, bytes], tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    loaded = loaded_recipe(tiny_recipe, tmp_path / "killed", components)
    delays, hits = random.Random(0), 0
    for kill in range(10 * KILLS):
        child = FORK.Process(target=go_on, args=(loaded, components))
        child.start()
        child.join(delays.uniform(0, 1) if kill < KILLS else None)
        if child.is_alive():
            os.kill(child.pid, number)  # type: ignore[arg-type]
            child.join()
        if child.exitcode == 0:
            break
        hits += any(path.is_dir() for path in (tmp_path / "killed").glob("*/checkpoints/step_*"))
        # a SIGTERM ahead of the handlers ends the process as it ends any
        assert child.exitcode in ({-signal.SIGKILL} if number == signal.SIGKILL else {143, -signal.SIGTERM})
    assert child.exitcode == 0
    assert hits > 0  # a run that has something to lose was killed
    found = results(tmp_path / "killed")
    assert sorted(found) == sorted(uninterrupted)
    assert [name for name in found if found[name] != uninterrupted[name]] == []


def test_a_disk_that_fills_up_stops_the_run_and_with_room_it_goes_on(
    uninterrupted: dict[str, bytes], tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    loaded = loaded_recipe(tiny_recipe, tmp_path / "full", components)
    with pytest.raises(Stopped):
        run(loaded, StopAfter(5), CPU)
    largest = max(len(content) for name, content in uninterrupted.items() if name.endswith(".safetensors"))
    child = FORK.Process(target=go_on, args=(loaded, components, largest - 1))
    child.start()
    child.join()
    assert child.exitcode == 2
    (path,) = (tmp_path / "full").iterdir()
    assert (
        RunDir(path)
        .read_state()["error"]
        .startswith(f"can't write {path}: the disk or a quota is full (File too large")
    )
    # the optimizer's moments of the second stage are what is too large
    assert sorted(folder.name for folder in (path / "checkpoints").iterdir()) == ["step_00000008", "step_00000010"]
    assert load_newest(path / "checkpoints")[1] == []
    resume(path, components, Listener(), CPU)
    assert results(tmp_path / "full") == uninterrupted


PLAIN = {"PYTHONHASHSEED": "1"}
ODD = {"PYTHONHASHSEED": "2", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Pacific/Apia"}


def test_two_processes_of_other_surroundings_write_the_same_bytes(tiny_recipe: Path, tmp_path: Path) -> None:
    """The second has another hash seed, locale, time zone and umask, no assertions, and is halted for a moment."""
    ends = []
    for name, flags, surroundings, umask in (("plain", [], PLAIN, 0o022), ("odd", ["-O"], ODD, 0o077)):
        command = [sys.executable, *flags, "-m", "ganforge", "run", str(tiny_recipe)]
        child = subprocess.Popen(
            [*command, f"output.folder={tmp_path / name}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **surroundings},
            umask=umask,
        )
        if name == "odd":
            while child.poll() is None and not any((tmp_path / name).glob("*/metrics.jsonl")):
                time.sleep(0.01)
            child.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            child.send_signal(signal.SIGCONT)
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 0, errors
        ends.append(results(tmp_path / name))
    first, second = ends
    assert sorted(first) == sorted(second) and len(first) > 10
    assert [name for name in first if first[name] != second[name]] == []
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "odd").rglob("*")}
    assert modes <= {0o600, 0o700}


class Signals(Listener):
    """Sends this process a SIGTERM the first time that something is told."""

    def __init__(self, event: str) -> None:
        self.event, self.sent = event, False

    def _told(self, event: str) -> None:
        if event == self.event and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGTERM)

    def data(self, train: Any, held_out: Any) -> None:
        self._told("data")

    def stage(self, name: str, table: Any) -> None:
        self._told("stage")

    def wrote(self, what: str, path: Path) -> None:
        self._told(what)


@pytest.mark.parametrize("event", ["data", "stage", "samples", "checkpoint"])
def test_a_signal_at_any_moment_leaves_a_run_that_goes_on_to_the_same_bytes(
    event: str, uninterrupted: dict[str, bytes], tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    loaded = loaded_recipe(tiny_recipe, tmp_path / "signalled", components)
    with pytest.raises(RunStopped) as caught:
        run(loaded, Signals(event), CPU)
    assert caught.value.exit_code == 143
    (path,) = (tmp_path / "signalled").iterdir()
    assert RunDir(path).read_state()["state"] == "stopped"
    resume(path, components, Listener(), CPU)
    assert results(tmp_path / "signalled") == uninterrupted


@pytest.mark.parametrize("name", ["file", "below/file/deeper", "file\0"])
def test_an_output_folder_that_can_not_be_is_one_error(
    name: str, tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_text("")
    with pytest.raises(GanforgeError) as caught:
        run(load_recipe(tiny_recipe, [f"output.folder={tmp_path / name}"], components), Listener(), CPU)
    assert caught.value.exit_code == 2
    assert str(tmp_path / "file").split("/")[-1] in str(caught.value)


def test_a_second_process_that_writes_the_same_run_is_refused(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    with pytest.raises(Stopped):
        run(loaded_recipe(tiny_recipe, tmp_path / "runs", components), StopAfter(5), CPU)
    (path,) = (tmp_path / "runs").iterdir()
    with RunDir(path).locked(pytest.fail):
        child = FORK.Process(target=go_on, args=(loaded_recipe(tiny_recipe, tmp_path / "runs", components), components))
        child.start()
        child.join()
    assert child.exitcode == CheckpointError.exit_code
    resume(path, components, Listener(), CPU)  # whose lock ended with it
