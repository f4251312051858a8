"""Trackers are told what happens, once, and can do a run no harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import components, recipe_data
from PIL import Image
from runs import STUB, recipe_file
from trainings import contents

import ganforge
from ganforge import execute
from ganforge.continuing import is_same_run
from ganforge.errors import CheckpointError, UsageError
from ganforge.listener import Listener
from ganforge.planning import preflight
from ganforge.recipe.dump import recipe_hash
from ganforge.recipe.load import load_recipe
from ganforge.recipe.models import Recipe
from ganforge.recipe.public import public_values
from ganforge.runs.rundir import RunDir
from ganforge.testing import check_tracker
from ganforge.tracking.base import Tracker

CPU = torch.device("cpu")
NOTES = {"kind": "stub_notes"}


class Told(Listener):
    """Keeps warnings; stops the run behind a step, before its checkpoint."""

    def __init__(self, stop: int = 0) -> None:
        self.stop, self.warnings = stop, []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def step(self, report: Any) -> None:
        if report.step == self.stop:
            raise KeyboardInterrupt


def run(folder: Path, *trackers: dict[str, Any], told: Told | None = None, **changes: Any) -> Path:
    output = {**recipe_data()["output"], "trackers": list(trackers)}
    evaluation = {"best": {"by": "stub_brightness", "every": 2}}
    recipe = load_recipe(recipe_file(folder, output=output, evaluation=evaluation, **changes), (), components())
    return execute.run(recipe, told or Told(), CPU).path


def notes(path: Path, name: str = "stub_notes") -> list[Any]:
    return [json.loads(line) for line in (path / "trackers" / name / "notes.jsonl").read_text().splitlines()]


#: Files that name the trackers, the time that the run took, or its process.
OWN = ("trackers", "recipe.yaml", "run.json", "report.html", ".lock")


def trained(path: Path) -> dict[str, bytes]:
    """The files of a run, without those that name trackers."""
    found = contents(path)
    return {name: found[name] for name in found if not name.startswith(OWN)}


def test_a_tracker_is_told_what_a_run_writes(tmp_path: Path) -> None:
    path = run(tmp_path, NOTES)
    told = notes(path)
    rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    losses = [row for row in rows if "score" not in row]
    assert [(words[1], words[2]) for words in told if words[0] == "metrics"] == [
        (row["step"], {key: value for key, value in row.items() if key not in ("step", "stage")}) for row in losses
    ]
    with Image.open(path / "samples" / "step_00000004.png") as grid:
        width, height = grid.size
    assert height == 18 < width  # the names of the rows stand beside the images
    assert [words[1:] for words in told if words[0] == "samples"] == [[step, [18, width, 3]] for step in (0, 2, 4)]
    assert [words[1:] for words in told if words[0] == "measured"] == [
        [row["step"], row["score"]] for row in rows if "score" in row
    ]
    (scores,) = [words[1:] for words in told if words[0] == "scores"]
    assert scores == [4, [score["value"] for score in json.loads((path / "scores.json").read_text())]]
    assert told[0][:2] == ["build", 0] and told[-1] == ["close", True]


def test_trackers_change_no_byte_of_the_training(tmp_path: Path) -> None:
    # one after the other at the same place, which is part of the recipe
    without = trained(run(tmp_path).rename(tmp_path / "without"))
    with_one = run(tmp_path, NOTES, {**NOTES, "fails": "samples"})
    assert trained(with_one) == without
    assert len(notes(with_one, "stub_notes")) > 8


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_resumed_run_tells_nothing_twice(tmp_path: Path, stop: int) -> None:
    whole = notes(run(tmp_path / "whole", NOTES))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", NOTES, told=Told(stop))
    path = tmp_path / "cut" / "runs" / "00000-tiny"
    assert notes(path)[-1] == ["close", False]
    execute.resume(path, components(), Told(), CPU)
    told = [words for words in notes(path) if words[0] not in ("build", "close")]
    assert told == [words for words in whole if words[0] not in ("build", "close")]
    assert [words[1] for words in notes(path) if words[0] == "build"] == [0, (stop - 1) // 2 * 2]


@pytest.mark.parametrize("fails", ["build", "metrics", "samples", "measured", "scores", "close"])
def test_a_tracker_that_raises_is_switched_off_with_one_warning(tmp_path: Path, fails: str) -> None:
    told = Told()
    path = run(tmp_path, {**NOTES, "fails": fails}, NOTES, told=told)
    assert told.warnings == [f"tracker 'stub_notes' is switched off, and the run goes on: RuntimeError: no {fails}"]
    assert json.loads((path / "run.json").read_text())["state"] == "finished"
    assert notes(path, "stub_notes_1")[-1] == ["close", True]


def test_a_tracker_that_ends_the_program_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Quits(Tracker):
        def metrics(self, step: int, values: Any) -> None:
            raise SystemExit(3)

    spec = components()["tracker"].get("stub_notes")
    monkeypatch.setattr(spec, "build", lambda self, run: Quits())
    told = Told()
    assert run(tmp_path, NOTES, told=told).is_dir()
    assert told.warnings == ["tracker 'stub_notes' is switched off, and the run goes on: SystemExit: 3"]


def test_the_hash_of_a_recipe_does_not_see_its_trackers() -> None:
    plain = recipe_data()
    context = {"components": components()}
    with_one = {**plain, "output": {**plain["output"], "trackers": [NOTES]}}
    found = [recipe_hash(Recipe.model_validate(data, context=context)) for data in (plain, with_one)]
    assert found[0] == found[1]
    #: That of the recipe before there were trackers: runs of then are resumed.
    assert found[0] == "bceece76a21a1fac"


def test_a_run_is_resumed_with_another_tracker(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, told=Told(3))
    path = tmp_path / "runs" / "00000-tiny"
    assert ganforge.resume(path, {"output.trackers": [NOTES]}, listener=Told(), plugins=[STUB]) == path
    assert notes(path)[0][:2] == ["build", 2]
    assert [words[1] for words in notes(path) if words[0] == "metrics"] == [3, 4]
    assert "kind: stub_notes" in (path / "recipe.yaml").read_text()


def test_a_run_that_another_process_holds_keeps_its_trackers(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, told=Told(3))
    path = tmp_path / "runs" / "00000-tiny"
    before = (path / "recipe.yaml").read_bytes()
    with RunDir(path).locked(pytest.fail), pytest.raises(CheckpointError, match="is being written by another process"):
        ganforge.resume(path, {"output.trackers": [NOTES]}, listener=Told(), plugins=[STUB])
    assert (path / "recipe.yaml").read_bytes() == before


def test_the_command_resumes_with_another_tracker_in_the_same_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, told=Told(3))
    path = tmp_path / "runs" / "00000-tiny"
    assert is_same_run(path, ["output.trackers=[{kind: stub_notes}]"], components())
    assert not is_same_run(path, ["output.columns=3"], components())


def test_no_path_reaches_a_tracker(tmp_path: Path) -> None:
    (root := tmp_path / "smith_john").mkdir()
    path = run(root, NOTES, description="/data/smith_john/x.png")
    values = notes(path)[0][2]
    assert values["training.batch"] == 3 and values["stages[0].generator_rate.rate"] == 0.01
    assert values["generator.blocks.fc.kind"] == "latent_to_grid"
    assert "output.folder" not in values and "smith_john" not in json.dumps(notes(path))


@pytest.mark.parametrize("text", ["/a", "~/a", "./a", "../a", "file:///a", "C:\\a", "\\\\host\\a"])
def test_texts_that_look_like_paths_are_left_out(text: str) -> None:
    recipe = Recipe.model_validate({**recipe_data(), "description": text}, context={"components": components()})
    assert "description" not in public_values(recipe)
    url = recipe.model_copy(update={"description": "https://example.org/a"})
    assert public_values(url)["description"] == "https://example.org/a"


def test_a_record_that_is_damaged_costs_no_run(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, NOTES, told=Told(3))
    path = tmp_path / "runs" / "00000-tiny"
    (path / "trackers.json").write_text("[3")
    execute.resume(path, components(), Told(), CPU)
    assert notes(path)[-1] == ["close", True]


def test_a_missing_package_is_said_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = recipe_data()
    data["output"]["trackers"] = [{"kind": "tensorboard"}]
    monkeypatch.setattr("ganforge.errors.find_spec", lambda name: None)
    with pytest.raises(UsageError) as caught:
        preflight(Recipe.model_validate(data, context={"components": components()}))
    assert str(caught.value) == ("tracker 'tensorboard' needs tensorboard: pip install 'ganforge[tensorboard]'.")


def test_tensorboard_shows_what_it_was_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'ganforge[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, {"kind": "tensorboard"}, told=Told(3))
    path = tmp_path / "runs" / "00000-tiny"
    execute.resume(path, components(), Told(), CPU)
    shown = EventAccumulator(str(path / "trackers" / "tensorboard")).Reload()
    assert [event.step for event in shown.Scalars("metrics/loss_generator")] == [1, 2, 3, 4]
    assert [event.step for event in shown.Images("samples")] == [0, 2, 4]
    assert [event.step for event in shown.Scalars("scores/brightness")] == [4]
    (text,) = shown.Tensors("PHANTOM/text_summary")
    assert text.tensor_proto.string_val[0].startswith(b"PHANTOM: these images are drawn by a program")
    written = b"".join(content for name, content in contents(path).items() if "tfevents" in name)
    assert str(tmp_path).encode() not in written


def test_the_kit_refuses_a_tracker_that_draws_random_numbers(tmp_path: Path) -> None:
    spec = components()["tracker"].get("stub_notes")
    assert spec is not None

    class Loud(spec):  # type: ignore[misc, valid-type]
        """Draws a random number."""

        def build(self, run: Any) -> Tracker:
            torch.rand(1)
            return Tracker()

    with pytest.raises(AssertionError, match="stub_notes: draws from random, numpy or torch"):
        check_tracker(Loud(), tmp_path)


def test_the_kit_refuses_a_tracker_that_changes_what_it_is_given(tmp_path: Path) -> None:
    spec = components()["tracker"].get("stub_notes")
    assert spec is not None

    class Changing(Tracker):
        def metrics(self, step: int, values: Any) -> None:
            values.clear()

    class Careless(spec):  # type: ignore[misc, valid-type]
        """Empties the row."""

        def build(self, run: Any) -> Tracker:
            return Changing()

    with pytest.raises(AssertionError, match="stub_notes: changes the metrics that it is given"):
        check_tracker(Careless(), tmp_path)
