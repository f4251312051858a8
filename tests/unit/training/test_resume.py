"""A run that is stopped and resumed ends with the same bytes as one that is not."""

from __future__ import annotations

import gc
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import recipe_data, stage
from trainings import StopAfter, Stopped, contents, trainer

from ganforge.errors import CheckpointError, DivergedError
from ganforge.listener import Listener
from ganforge.networks.staged import Generator
from ganforge.processes.group import Processes
from ganforge.processes.stop import RunStopped, Stops
from ganforge.runs.checkpoint import list_checkpoints, load_newest

STEPS = 6


def rich_recipe() -> dict[str, Any]:
    """Everything that has state: stages, AdaFM, labels, ADA, LeCam, noise, a lazy penalty, a falling rate."""
    data = recipe_data(generator="transfer")
    data["generator"]["label"] = [
        {"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}},
        {"where": {"kind": "after", "block": "up_0"}, "how": {"kind": "concatenate_map"}},
    ]
    data["discriminator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "projection"}}]
    data["training"]["augmentations"] = [
        {"kind": "diff_augment"},
        {"kind": "ada", "initial": 0.2, "adjust_images": 20, "target": 0.1},
    ]
    data["training"]["logit_penalties"] = [{"kind": "lecam", "weight": 0.3, "decay": 0.5}]
    frozen = [{"freeze": "resnet_*"}, {"freeze": "conv_img.*"}]
    falling = {"kind": "cosine", "rate": 0.01}
    data["stages"] = [
        {**stage("head", 2, generator=frozen), "generator_rate": falling},
        stage("adapt", 2, generator=[*frozen, {"train": "*.adafm_*"}], discriminator=[{"freeze": "conv_img.*"}]),
        {**stage("head_again", 2, generator=frozen), "discriminator_rate": falling},
    ]
    return data


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    trainer(rich_recipe(), folder).fit()
    return contents(folder)


@pytest.mark.parametrize("stop", range(1, STEPS))
def test_a_resumed_run_ends_with_the_bytes_of_one_that_was_not_stopped(
    stop: int, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        trainer(rich_recipe(), tmp_path, StopAfter(stop)).fit()
    resumed = trainer(rich_recipe(), tmp_path)
    if list_checkpoints(resumed.run.checkpoints):
        checkpoint, rejected = load_newest(resumed.run.checkpoints)
        assert rejected == []
        assert checkpoint.step == (stop - 1) // 2 * 2
        resumed.restore(checkpoint)
    resumed.fit()
    found = contents(tmp_path)
    assert list(found) == list(uninterrupted)
    assert [name for name in found if found[name] != uninterrupted[name]] == []


def test_a_run_by_epochs_goes_on_in_the_middle_of_one(tmp_path: Path) -> None:
    data = recipe_data()
    data["training"]["sampler"] = {"kind": "epochs"}  # of 12 images, 3 of them at a step
    trainer(data, tmp_path / "whole").fit()
    with pytest.raises(Stopped):
        trainer(data, tmp_path / "parts", StopAfter(3)).fit()
    resumed = trainer(data, tmp_path / "parts")
    checkpoint, _ = load_newest(resumed.run.checkpoints)
    assert 0 < checkpoint.step * 3 < 12
    resumed.restore(checkpoint)
    resumed.fit()
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


class AskAfter(StopAfter, Stops):
    """Asks the run to stop when a step is done."""

    def __init__(self, step: int) -> None:
        Stops.__init__(self)
        self.last, self.is_reached = step, False

    def step(self, report: Any) -> None:
        self.is_reached = report.step == self.last

    def asked(self) -> RunStopped | None:
        return RunStopped("SIGTERM", 143) if self.is_reached else None


@pytest.mark.parametrize("metrics_every", [1, 4])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_run_that_is_asked_to_stop_saves_its_step_and_goes_on_from_there(
    step: int, metrics_every: int, tmp_path: Path
) -> None:
    data = rich_recipe()
    data["output"]["metrics_every"] = metrics_every
    trainer(data, tmp_path / "uninterrupted").fit()
    ask = AskAfter(step)
    with pytest.raises(RunStopped):
        trainer(data, tmp_path / "stopped", ask, stops=ask).fit()
    resumed = trainer(data, tmp_path / "stopped")
    checkpoint, rejected = load_newest(resumed.run.checkpoints)
    assert (checkpoint.step, rejected) == (step, [])
    resumed.restore(checkpoint)
    resumed.fit()
    found, expected = contents(tmp_path / "stopped"), contents(tmp_path / "uninterrupted")
    assert list(found) == list(expected)
    assert [name for name in found if found[name] != expected[name]] == []


def test_a_stop_that_is_asked_for_while_the_last_step_is_saved_is_heard(tmp_path: Path) -> None:
    ask = AskAfter(STEPS)
    training = trainer(rich_recipe(), tmp_path, stops=ask)
    save = training.save

    def saved() -> None:
        save()
        ask.is_reached = training.step == STEPS

    training.save = saved  # type: ignore[method-assign]
    with pytest.raises(RunStopped):
        training.fit()
    assert load_newest(training.run.checkpoints)[0].step == STEPS


def test_the_files_of_a_run_are_these(uninterrupted: dict[str, bytes]) -> None:
    stems = ["augmentation_ada", "discriminator", "discriminator_optimizer"]
    stems += ["generator", "generator_average", "generator_optimizer", "logit_penalty_lecam"]
    per_checkpoint = sorted([*(f"{stem}.safetensors" for stem in stems), "manifest.json", "state.json"])
    assert list(uninterrupted) == [
        *(f"checkpoints/step_{step:08d}/{name}" for step in (4, 6) for name in per_checkpoint),
        "metrics.jsonl",
        "run.json",
        *(f"samples/step_{step:08d}.png" for step in (0, 2, 4, 6)),
    ]


@pytest.mark.parametrize("stem", ["augmentation_ada", "logit_penalty_lecam"])
def test_a_checkpoint_without_what_followed_the_logits_is_refused(stem: str, tmp_path: Path) -> None:
    training = trainer(rich_recipe(), tmp_path)
    training.fit()
    checkpoint, _ = load_newest(training.run.checkpoints)
    lost = {name: each for name, each in checkpoint.tensors.items() if name != stem}
    with pytest.raises(CheckpointError, match=rf"the checkpoint of step 6 doesn't fit the recipe: '{stem}'"):
        trainer(rich_recipe(), tmp_path).restore(replace(checkpoint, tensors=lost))


def test_weights_in_another_number_format_are_refused(tmp_path: Path) -> None:
    training = trainer(rich_recipe(), tmp_path)
    training.fit()
    checkpoint, _ = load_newest(training.run.checkpoints)
    generator = dict(checkpoint.tensors["generator"])
    name, value = next(iter(generator.items()))
    damaged = {**checkpoint.tensors, "generator": {**generator, name: value.view(torch.int32)}}
    with pytest.raises(CheckpointError, match=rf"doesn't fit the recipe: '{name}' is int32, not float32\."):
        trainer(rich_recipe(), tmp_path).restore(replace(checkpoint, tensors=damaged))


def test_the_metrics_have_one_row_for_each_step(uninterrupted: dict[str, bytes]) -> None:
    rows = [json.loads(line) for line in uninterrupted["metrics.jsonl"].splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["images"] for row in rows] == [3, 6, 9, 12, 15, 18]
    assert [row["stage"] for row in rows] == ["head", "head", "adapt", "adapt", "head_again", "head_again"]
    always = {"step", "images", "stage", "loss_generator", "loss_real", "loss_fake", "logit_real", "logit_fake"}
    always |= {"spread_real", "spread_fake", "penalty_lecam"}
    # the penalty is computed at steps 0, 2, 4
    assert [set(row) - always for row in rows] == [{"penalty_real"}, set()] * 3


def test_a_run_that_was_stopped_before_its_first_checkpoint_writes_no_row_twice(
    uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        trainer(rich_recipe(), tmp_path, StopAfter(1)).fit()
    assert len((tmp_path / "metrics.jsonl").read_bytes().splitlines()) == 1
    with pytest.raises(Stopped):
        trainer(rich_recipe(), tmp_path, StopAfter(2)).fit()
    assert (tmp_path / "metrics.jsonl").read_bytes() == b"".join(
        uninterrupted["metrics.jsonl"].splitlines(keepends=True)[:2]
    )


def test_a_half_written_row_is_dropped(tmp_path: Path) -> None:
    run = trainer(rich_recipe(), tmp_path).run
    nested = b"[" * 100_000 + b"]" * 100_000
    rows = b'{"step": 1}\n' + nested + b'\n{"step": 2}\n{"step": 3}\n{"st'
    (tmp_path / "metrics.jsonl").write_bytes(rows)
    run.truncate_metrics(2)
    assert (tmp_path / "metrics.jsonl").read_bytes() == b'{"step": 1}\n{"step": 2}\n'


def test_the_score_of_a_step_that_is_to_be_measured_again_is_dropped(tmp_path: Path) -> None:
    run = trainer(rich_recipe(), tmp_path).run
    rows = b'{"step": 1, "score": 3.0}\n{"step": 2}\n{"step": 2, "score": 4.0}\n'
    (tmp_path / "metrics.jsonl").write_bytes(rows)
    run.truncate_metrics(2, is_unmeasured=True)
    assert (tmp_path / "metrics.jsonl").read_bytes() == b'{"step": 1, "score": 3.0}\n{"step": 2}\n'


@pytest.mark.parametrize("holder", ["the generator's parameters", "the moving average", "an optimizer's moments"])
def test_numbers_that_are_not_finite_are_never_saved(holder: str, tmp_path: Path) -> None:
    training = trainer(rich_recipe(), tmp_path)
    training.advance()
    training.save()
    training.advance()
    optimizer = training.players.discriminator_optimizer
    values = {
        "the generator's parameters": next(training.generator.parameters()),
        "the moving average": next(training.average.network.parameters()),
        "an optimizer's moments": next(iter(optimizer.state.values()))["exp_avg"],
    }
    with torch.no_grad():
        values[holder].fill_(float("inf"))
    with pytest.raises(DivergedError, match=r"holds numbers that are not finite\. Nothing was written"):
        training.save()
    assert [path.name for path in list_checkpoints(training.run.checkpoints)] == ["step_00000001"]


def test_a_long_training_holds_no_more_than_a_short_one(tmp_path: Path) -> None:
    data = rich_recipe()
    data["stages"][0]["steps"] = 60
    data["output"] |= {"checkpoints_every": 5, "samples_every": 5, "metrics_every": 1}

    class Counts(Listener):
        def __init__(self) -> None:
            self.held: dict[int, tuple[int, int]] = {}

        def step(self, report: Any) -> None:
            if report.step in (20, 60):
                gc.collect()
                tensors = sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())
                self.held[report.step] = (tensors, len(list(Path("/dev/fd").iterdir())))

    counts = Counts()
    trainer(data, tmp_path, counts).fit()
    assert counts.held[20] == counts.held[60]


def test_one_of_several_processes_saves_a_step_ahead_of_measuring_it(tmp_path: Path) -> None:
    seen = []

    def measure(generator: Generator) -> None:
        seen.append(load_newest(training.run.checkpoints)[0])

    training = trainer(rich_recipe(), tmp_path, measure=measure)
    training.advance()
    training.selection.is_unmeasured = True
    training.processes = Processes(0, 2)
    training._keep_if_best("head")
    (during,) = seen
    assert (during.step, during.is_unmeasured) == (1, True)
