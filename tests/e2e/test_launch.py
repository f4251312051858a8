"""`ganforge run --gpus` and torchrun: several processes from the command line, and what they end with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from trainings import contents

from ganforge import plugins
from ganforge.execute import run
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.samples.draw import WantedSamples, draw

ROOT = Path(__file__).parents[2]
GANFORGE = [sys.executable, "-m", "ganforge"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
STEPS = ["stages[1].steps=8", "output.samples_every=100"]

#: A plugin with a loss that does harm in one process, at one step, once.
FAULTY = '''
import os, signal
from pathlib import Path
from typing import Literal
from ganforge import hookimpl
from ganforge.training.specs import BCE

calls = 0

class Faulty(BCE):
    """BCE that does harm."""

    kind: Literal["faulty"] = "faulty"
    rank: int
    step: int
    signal: str
    launcher: bool
    once: Path

    def discriminator_real(self, real):
        global calls
        calls += 1  # twice in a step: for the gradients and for the metrics
        if calls == 2 * self.step + 1 and int(os.environ["RANK"]) == self.rank and not self.once.exists():
            self.once.touch()
            os.kill(os.getppid() if self.launcher else os.getpid(), getattr(signal, "SIG" + self.signal))
        return super().discriminator_real(real)

@hookimpl
def ganforge_losses():
    return [Faulty]
'''


@pytest.fixture
def faulty(tmp_path: Path) -> list[str]:
    """Options for a plugin with the loss `faulty`."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    return ["-p", str(tmp_path / "faulty.py")]


def loss(tmp_path: Path, rank: int, number: str, *, launcher: bool = False) -> str:
    """A value for the command line: at step 5 a signal to the process of that rank, or to who started it."""
    target = f"signal: {number}, launcher: {str(launcher).lower()}, once: {tmp_path / 'once'}"
    return f"training.loss={{kind: faulty, rank: {rank}, step: 5, {target}}}"


def ended(
    words: list[str], tmp_path: Path, more: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """A command that has ended; nothing of this process's own launch, if it has one, is passed on."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    environment |= {"GANFORGE_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "200", **more}
    return subprocess.run(
        words, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )


def test_two_processes_tell_one_story(tiny_recipe: Path, tmp_path: Path) -> None:
    words = ["run", str(tiny_recipe), *STEPS, "--gpus", "cpu:2", "--resume", "auto", "--stop-after", "1h"]
    done = ended([*GANFORGE, *words], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines.count("tiny") == 1
    assert sum(line.startswith("finished in ") for line in lines) == 1
    state = json.loads((tmp_path / "runs" / "00000-tiny" / "run.json").read_text())
    assert (state["state"], state["processes"], state["overrides"]) == ("finished", 2, STEPS)


def test_a_signal_to_the_launcher_saves_once_and_says_how_to_go_on(
    tiny_recipe: Path, faulty: list[str], tmp_path: Path
) -> None:
    words = [*faulty, "run", str(tiny_recipe), *STEPS, loss(tmp_path, 1, "USR2", launcher=True), "--gpus", "cpu:2"]
    stopped = ended([*GANFORGE, *words], tmp_path)
    run = tmp_path / "runs" / "00000-tiny"
    again = f"ganforge {' '.join(faulty)} resume {run} --gpus cpu:2"
    assert stopped.stderr == f"stopped by SIGUSR2; continue with `{again}`\n"
    assert stopped.returncode == 140
    # in the step in which it came, or in the next
    assert sorted(path.name for path in (run / "checkpoints").iterdir())[-1] in ("step_00000006", "step_00000007")


def test_a_killed_process_ends_the_command_with_one_message(
    tiny_recipe: Path, faulty: list[str], tmp_path: Path
) -> None:
    started = time.monotonic()
    words = [*faulty, "run", str(tiny_recipe), *STEPS, loss(tmp_path, 1, "KILL"), "--gpus", "cpu:2"]
    lost = ended([*GANFORGE, *words], tmp_path)
    assert lost.stderr == (
        "error: the process of rank 1 of 2 ended without a word: killed, or out of memory. What was saved is whole; "
        f"continue with `ganforge resume {tmp_path}/runs/00000-tiny --gpus cpu:2`.\n"
    )
    assert lost.returncode == 9
    assert time.monotonic() - started < 120


def test_torchrun_starts_lost_processes_again_and_they_end_with_the_same_bytes(
    tiny_recipe: Path, faulty: list[str], tmp_path: Path
) -> None:
    command = ["-m", "ganforge", *faulty, "run", str(tiny_recipe), *STEPS, loss(tmp_path, 0, "KILL")]
    for name in ("restarted", "whole"):  # the fault comes once
        done = ended([*TORCHRUN, "--max-restarts", "1", *command], tmp_path)
        assert done.returncode == 0, done.stderr
        (path,) = (tmp_path / "runs").iterdir()  # one run, which went on
        assert json.loads((path / "run.json").read_text())["state"] == "finished"
        assert ("continued from the checkpoint of step 4" in done.stdout) == (name == "restarted")
        path.rename(tmp_path / name)
        (tmp_path / "runs").rmdir()
    files = [contents(tmp_path / name) for name in ("restarted", "whole")]
    assert list(files[0]) == list(files[1])
    differing = {Path(name).name for name in files[0] if files[0][name] != files[1][name]}
    assert differing - {"report.html"} == {"run.json"}  # which names the launch, and the page says when


#: A plugin with an evaluator whose features are computed until one process is killed, where there is a file.
MEASURE = '''
import os, signal
from pathlib import Path
from typing import Literal
import numpy as np
from ganforge import hookimpl
from ganforge.evaluation.score import Score
from ganforge.interfaces import EvaluatorSpec, ExtractorSpec

class Means:
    name, sha256, dim, resizer = "means", "0" * 64, 3, "none"

    def __call__(self, images):
        if Path(__file__).with_name("kill").exists() and os.environ.get("RANK") == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return images.mean(axis=(2, 3), dtype=np.float64).astype(np.float32)

class Light(ExtractorSpec):
    """Mean colours."""

    kind: Literal["light"] = "light"

    def build(self, device):
        return Means()

class Distance(EvaluatorSpec):
    """Between mean colours."""

    kind: Literal["light_distance"] = "light_distance"

    def evaluate(self, real, fake, context):
        means = [context.features(Light(), images, what).values.astype(np.float64).mean(axis=0)
                 for images, what in ((real, "real images"), (fake, "generated images"))]
        return [Score("distance", float(np.abs(means[0] - means[1]).sum()), len(real), len(fake))]

@hookimpl
def ganforge_extractors():
    return [Light]

@hookimpl
def ganforge_evaluators():
    return [Distance]
'''


@pytest.fixture
def measured_run(tiny_recipe: Path, tmp_path: Path) -> Path:
    """A run of one process that is scored by `light_distance` of 40 images, with the plugin beside it."""
    (tmp_path / "measure.py").write_text(MEASURE)
    evaluation = "evaluation={images: 40, seeds: 2, evaluators: [{kind: light_distance}]}"
    loaded = load_recipe(tiny_recipe, [evaluation], plugins.load([tmp_path / "measure.py"]))
    return run(loaded, Listener(), torch.device("cpu")).path


def test_two_processes_sample_and_score_a_run_to_the_bytes_of_one(measured_run: Path, tmp_path: Path) -> None:
    more = ["-p", str(tmp_path / "measure.py")]
    words = ["sample", str(measured_run), "--count", "30", "--label", "small", "--label", "0=40", "--layout", "folders"]
    done = ended([*GANFORGE, *words, "--seed", "3", "--out", "two", "--gpus", "cpu:2", *more], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-2:] == ["70 images, 30 of small (label 2), 40 of large (label 0)",
                                             "table: two/samples.csv"]  # fmt: skip
    components = plugins.load([tmp_path / "measure.py"])
    wanted = WantedSamples(("small", "0=40"), 30, seed=3, layout="folders")
    draw(measured_run, wanted, tmp_path / "one", components, Listener(), torch.device("cpu"))
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    done = ended([*GANFORGE, "eval", str(measured_run), "--json", "--gpus", "cpu:2", *more], tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((measured_run / "scores.json").read_text())


def test_an_evaluation_that_loses_a_process_says_so_once(measured_run: Path, tmp_path: Path) -> None:
    (tmp_path / "kill").touch()
    words = ["eval", str(measured_run), "--json", "--gpus", "cpu:2", "-p", str(tmp_path / "measure.py")]
    lost = ended([*GANFORGE, *words], tmp_path)
    assert (lost.returncode, lost.stdout) == (9, "")
    assert lost.stderr.splitlines()[-1] == (
        "error: the process of rank 1 of 2 ended without a word: killed, or out of memory. Nothing was measured; the "
        "same command begins again."
    )


def test_a_mistake_is_told_once_however_many_processes_there_are(measured_run: Path, tmp_path: Path) -> None:
    words = ["eval", str(measured_run), "--metrics", "sharpnes", "-p", str(tmp_path / "measure.py")]
    done = ended([*GANFORGE, *words, "--gpus", "cpu:2"], tmp_path)
    assert done.returncode == 2
    assert "sharpnes" in done.stderr and done.stderr.count("error:") == 1


SRUN = """#!/bin/bash
# as many tasks as SLURM_NTASKS on this machine; the highest of their exit codes
shift
for rank in $(seq 0 $((SLURM_NTASKS - 1))); do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" &
    tasks="$tasks $!"
done
code=0
for task in $tasks; do wait $task; last=$?; [ $last -gt $code ] && code=$last; done
exit $code
"""
SCONTROL = """#!/bin/bash
[ "$1" = show ] && echo localhost
[ "$1" = requeue ] && echo "queued again: $2"
exit 0
"""


def test_the_slurm_script_trains_and_is_queued_again_when_its_time_is_over(
    tiny_recipe: Path, faulty: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    commands = {"srun": SRUN, "scontrol": SCONTROL}
    commands["ganforge"] = f'#!/bin/bash\nexec {sys.executable} -m ganforge "$@"\n'
    for name, text in commands.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    slurm = {"SLURM_NTASKS": "2", "SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NODELIST": "n[1-2]"}
    script = str(ROOT / "docs" / "examples" / "slurm.sh")
    # Slurm's signal comes to the tasks; here one of them sends it to itself
    words = [script, str(tiny_recipe), *STEPS, *faulty, loss(tmp_path, 1, "USR2"), "--device", "cpu"]
    slurm["PATH"] = f"{folder}:{os.environ['PATH']}"
    first, second = ended(words, tmp_path, slurm), ended(words, tmp_path, slurm)
    assert first.returncode == 140, first.stderr
    assert first.stdout.endswith(f"queued again: {slurm['SLURM_JOB_ID']}\n")
    assert "stopped by SIGUSR2; continue with " in first.stderr
    assert (second.returncode, second.stderr) == (0, "")
    assert "continued from the checkpoint of step 6\n" in second.stdout
    usage = ended([script], tmp_path)
    assert (usage.returncode, usage.stderr) == (2, f"usage: sbatch {script} RECIPE [KEY=VALUE ...]\n")
