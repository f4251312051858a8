"""What becomes of a run on two processes when one of them dies, raises, hangs, is stopped or computes wrongly."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import components as tiny_components
from several import ends, start, together
from trainings import contents

from ganforge.evaluate import Wanted, evaluate
from ganforge.execute import resume, run
from ganforge.listener import Listener
from ganforge.processes.group import Processes
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.runs.checkpoint import load_newest
from ganforge.runs.rundir import RunDir
from ganforge.training.trainer import Trainer

CPU = torch.device("cpu")
STEPS = ("stages[0].steps=2", "stages[1].steps=6", "training.batch=4", "output.samples_every=4")
FAULT_STEP = 5
#: Which tensors a fault changes; all files that a run leaves but those with a name, a path or a state.
NAMED = ("recipe.yaml", "run.json", "environment.json", "state.json", "manifest.json", ".lock", "report.html")

Fault = Callable[[Trainer], None]


def work(processes: Processes, recipe: Path, components: Components, fault: Fault | None, faulty: int) -> None:
    """`ganforge run`, or `resume` where there is a run; the fault comes in the process of one rank, at one step."""
    if fault is not None and processes.rank == faulty:
        one_step = Trainer._one_step

        def broken(trainer: Trainer) -> dict[str, float]:
            if trainer.step == FAULT_STEP:
                fault(trainer)
            return one_step(trainer)

        Trainer._one_step = broken  # type: ignore[method-assign]
    loaded = load_recipe(recipe, STEPS, components)
    there = sorted(loaded.recipe.output.folder.glob("0*"))
    begun = processes.from_first(lambda: len(there))
    if begun:
        resume(there[-1], components, Listener(), CPU, processes=processes)
    else:
        run(loaded, Listener(), CPU, None, processes)


def results(files: Mapping[str, bytes]) -> dict[str, bytes]:
    found = {name: content for name, content in files.items() if Path(name).name not in NAMED}
    return {name: content for name, content in found.items() if not name.startswith("debug/")}


WHOLE: dict[str, bytes] = {}


@pytest.fixture
def whole(tiny_recipe: Path, tmp_path: Path, components: Components) -> Mapping[str, bytes]:
    """The files of a run on two processes that nothing happened to; computed once, as no test changes them."""
    if not WHOLE:
        together(2, tmp_path / "meet", work, tiny_recipe, components, None, 0)
        (tmp_path / "runs" / "00000-tiny").rename(tmp_path / "whole")
        WHOLE.update(contents(tmp_path / "whole"))
    return WHOLE


def kill(trainer: Trainer) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raise_error(trainer: Trainer) -> None:
    raise KeyError("odd")


def stop(number: signal.Signals) -> Fault:
    return lambda trainer: os.kill(os.getpid(), number)


def hang(trainer: Trainer) -> None:
    time.sleep(1000)


def spoil(trainer: Trainer) -> None:
    loss = trainer.train_step.loss.discriminator_real
    trainer.train_step.loss = _Spoilt(trainer.train_step.loss, loss)  # type: ignore[assignment]


class _Spoilt:
    def __init__(self, loss: Any, real: Any) -> None:
        self.generator, self.discriminator_fake = loss.generator, loss.discriminator_fake
        self.discriminator_real = lambda logits: real(logits) * float("nan")


def drift(trainer: Trainer) -> None:
    with torch.no_grad():
        trainer.discriminator.fc.weight[0] += 1e-6  # type: ignore[union-attr, operator, index]


AGAIN = "What was saved is whole; continue with `ganforge resume {run} --gpus cpu:2`."


@pytest.mark.parametrize(
    ("fault", "faulty", "codes", "step", "said"),
    [
        (kill, 1, [9, -9], 4, "the process of rank 1 of 2 ended without a word: killed, or out of memory. " + AGAIN),
        (kill, 0, [-9, 9], 4, "the process of rank 0 of 2 ended without a word: killed, or out of memory. " + AGAIN),
        (raise_error, 1, [1, 1], 4, "rank 1 of 2 failed: KeyError: 'odd'"),
        (raise_error, 0, [1, 1], 4, "rank 0 of 2 failed: KeyError: 'odd'"),
        (spoil, 1, [4, 4], 4, "training diverged at step 6: rank 1: loss_real became nan; the last checkpoint is kept"),
        (drift, 1, [9, 9], 4, "at step 6: 'discriminator fc.weight' of rank 1 differs from that of rank 0. Nothing "),
        (stop(signal.SIGTERM), 1, [143, 143], 6, "stopped by SIGTERM"),
        (stop(signal.SIGUSR2), 0, [140, 140], 6, "stopped by SIGUSR2"),
    ],
    ids=["kill 1", "kill 0", "raise 1", "raise 0", "nan", "drift", "SIGTERM to 1", "SIGUSR2 to 0"],
)
def test_a_fault_of_one_ends_both_soon_by_one_reason_and_they_go_on_to_the_same_bytes(
    fault: Fault,
    faulty: int,
    codes: list[int],
    step: int,
    said: str,
    whole: Mapping[str, bytes],
    tiny_recipe: Path,
    tmp_path: Path,
    components: Components,
) -> None:
    started = time.monotonic()
    assert ends(start(2, tmp_path / "broken", work, tiny_recipe, components, fault, faulty)) == codes
    assert time.monotonic() - started < 60
    (path,) = (tmp_path / "runs").iterdir()
    other = (tmp_path / "broken" / f"error_{1 - faulty}").read_text()
    assert said.format(run=path) in other
    newest, rejected = load_newest(path / "checkpoints")
    assert (newest.step, rejected) == (step, [])
    together(2, tmp_path / "again", work, tiny_recipe, components, None, 0)
    assert RunDir(path).read_state()["state"] == "finished"
    found, expected = results(contents(path)), results(whole)
    assert list(found) == list(expected)
    assert [name for name in found if found[name] != expected[name]] == []


def save_slowly(trainer: Trainer) -> None:
    save = trainer.save

    def slow() -> None:
        time.sleep(3)
        save()

    trainer.save = slow  # type: ignore[method-assign]
    os.kill(os.getpid(), signal.SIGTERM)


def test_nobody_ends_before_the_step_is_saved_for_a_launcher_would_end_the_rest(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    first, second = start(2, tmp_path / "broken", work, tiny_recipe, components, save_slowly, 0)
    second.join(100)
    (path,) = (tmp_path / "runs").iterdir()
    assert load_newest(path / "checkpoints")[0].step == 6
    os.kill(first.pid, signal.SIGTERM)  # as the launcher does
    assert ends([first, second]) == [143, 143]


def test_one_that_hangs_is_given_up_after_some_patience(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    children = start(2, tmp_path / "broken", work, tiny_recipe, components, hang, 1, timeout=5)
    children[0].join(100)
    assert children[0].exitcode == 9
    children[1].kill()
    children[1].join()
    said = (tmp_path / "broken" / "error_0").read_text()
    assert "the process of rank 1 of 2 has sent nothing for 5 seconds: it hangs, or its machine does." in said
    (path,) = (tmp_path / "runs").iterdir()
    assert load_newest(path / "checkpoints")[0].step == 4
    assert RunDir(path).read_state()["state"] == "stopped"


def test_the_first_alone_writes_and_says_how_many_there_are(whole: Mapping[str, bytes]) -> None:
    assert json.loads(whole["run.json"])["processes"] == json.loads(whole["environment.json"])["processes"] == 2
    rows = [json.loads(row) for row in whole["metrics.jsonl"].splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert {name.split("/")[1] for name in whole if name.startswith("checkpoints/")} == {
        "step_00000006",
        "step_00000008",
    }
    assert json.loads(whole["scores.json"]) == []


def test_a_run_of_two_is_scored_as_one_process_scores_its_checkpoint(tiny_recipe: Path, tmp_path: Path) -> None:
    together(2, tmp_path / "meet", work_measured, tiny_recipe)
    (path,) = (tmp_path / "runs").iterdir()
    rows = [row for row in RunDir(path).read_metrics() if "score" in row]
    assert [row["step"] for row in rows] == [2, 4]
    scores = json.loads((path / "scores.json").read_text())
    found = evaluate(path, Wanted(), tiny_components(), Listener(), CPU)
    again = json.loads(json.dumps([score.as_dict() for score in found.scores]))
    # which checkpoint it was, either says in words of its own
    assert [{**score, "warnings": []} for score in scores] == [{**score, "warnings": []} for score in again]
    assert (scores[0]["num_seeds"], scores[0]["n_fake"]) == (2, 10)
    assert any(warning.startswith("of step ") for warning in scores[0]["warnings"])


def work_measured(processes: Processes, recipe: Path) -> None:
    measured = "{images: 10, seeds: 2, evaluators: [{kind: stub_brightness}], best: {by: stub_brightness, every: 2}}"
    run(load_recipe(recipe, (f"evaluation={measured}",), tiny_components()), Listener(), CPU, None, processes)


def test_a_run_that_goes_on_with_another_number_says_what_is_lost(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    ends(start(2, tmp_path / "broken", work, tiny_recipe, components, stop(signal.SIGTERM), 0))

    class Told(Listener):
        warnings: list[str] = []

        def warning(self, text: str) -> None:
            self.warnings.append(text)

    (path,) = (tmp_path / "runs").iterdir()
    resume(path, components, Told(), CPU)
    assert Told.warnings == [
        "the run began with processes 2, now 1: from here on its bytes are not those of a run that was never stopped."
    ]
    assert RunDir(path).read_state()["processes"] == 1


def test_a_batch_that_two_can_not_share_is_refused_before_a_folder_is_made(
    tiny_recipe: Path, tmp_path: Path, components: Components
) -> None:
    tiny_recipe.write_text(tiny_recipe.read_text().replace("batch: 4", "batch: 3"))
    children = start(2, tmp_path / "broken", work_as_it_is, tiny_recipe, components)
    assert ends(children) == [2, 2]
    said = (tmp_path / "broken" / "error_0").read_text()
    place = f"{tiny_recipe}:33:10 training.batch"
    assert said == (
        f"RecipeError: {place}: is 3, which 2 processes can't divide evenly; 2 and 4 can be divided: training.batch=2."
    )
    assert not (tmp_path / "runs").exists()


def work_as_it_is(processes: Processes, recipe: Path, components: Components) -> None:
    run(load_recipe(recipe, (), components), Listener(), CPU, None, processes)
