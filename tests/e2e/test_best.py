"""A run that keeps its best checkpoint scores it, samples it and lends it to other runs."""

from __future__ import annotations

import itertools
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from trainings import contents

from ganforge import concluding, plugins
from ganforge.data.images import LabelledImages
from ganforge.errors import CheckpointError
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.execute import resume, run
from ganforge.interfaces import EvaluatorSpec
from ganforge.listener import Listener, StepReport
from ganforge.opening import load_generator
from ganforge.processes.stop import RunStopped
from ganforge.recipe.load import LoadedRecipe, load_recipe
from ganforge.registry import Origin
from ganforge.runs.checkpoint import list_checkpoints, load_checkpoint, load_newest
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.specs import Run

CPU = torch.device("cpu")


class Sharpness(EvaluatorSpec):
    """Largest at first: fresh networks are noisy. Anything that differs between checkpoints would do."""

    kind: Literal["sharpness"] = "sharpness"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        value = float(np.abs(np.diff(fake.images.astype(float), axis=3)).mean())
        return [Score("sharpness", value, len(real), len(fake), lower_is_better=False), Score("other", 0.0, 2, 2)]


class StopsWhenMeasured(Listener):
    """Between a measurement and its checkpoint."""

    def measured(self, step: int, score: Score, *, is_best: bool) -> None:
        if step == 4:
            raise KeyboardInterrupt


class Notes(Listener):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def interrupted(number: int) -> Callable[..., list[Score]]:
    """An evaluation that sends this process a signal the `number`-th time."""
    asked, evaluate = itertools.count(1), Sharpness.evaluate

    def evaluated(*args: Any) -> list[Score]:
        if next(asked) == number:
            os.kill(os.getpid(), signal.SIGTERM)
            pytest.fail("the measurement went on")
        return evaluate(*args)

    return evaluated


class SignalsAtStep(Listener):
    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, report: StepReport) -> None:
        if report.step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("moment", ["first", "last", "ahead"])
def test_a_signal_does_not_wait_for_a_measurement_which_is_made_up_for(
    moment: str, tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    components = plugins.load()
    components["evaluator"].add(Sharpness, Origin("test", "tests", "0"))
    evaluation = "evaluation={images: 6, seeds: 1, evaluators: [{kind: sharpness}], best: {by: sharpness, every: 2}}"

    def loaded(name: str) -> LoadedRecipe:
        return load_recipe(tiny_recipe, [evaluation, f"output.folder={tmp_path / name}"], components)

    whole = run(loaded("whole"), Listener(), CPU)
    measured = [row["step"] for row in whole.read_metrics() if "score" in row]
    number = len(measured) if moment == "last" else 1
    with monkeypatch.context() as patched, pytest.raises(RunStopped):
        if moment != "ahead":
            patched.setattr(Sharpness, "evaluate", interrupted(number))
        run(loaded("stopped"), SignalsAtStep(measured[0] if moment == "ahead" else -1), CPU)
    (path,) = (tmp_path / "stopped").iterdir()
    newest = load_newest(path / "checkpoints")[0]
    assert (newest.step, newest.is_unmeasured) == (measured[number - 1], True)

    resume(path, components, Listener(), CPU)
    found, expected = contents(path / "checkpoints"), contents(whole.path / "checkpoints")
    assert sorted(found) == sorted(expected)
    with_hash = ("state.json", "manifest.json")  # of a recipe that has the folder's name
    assert [name for name in found if found[name] != expected[name] and Path(name).name not in with_hash] == []
    assert (path / "metrics.jsonl").read_bytes() == (whole.path / "metrics.jsonl").read_bytes()
    best = [load_newest(folder / "checkpoints")[0].best for folder in (path, whole.path)]
    assert best[0] == best[1] is not None


def test_the_best_is_scored_sampled_and_lent(tiny_recipe: Path, tmp_path: Path) -> None:
    components = plugins.load()
    components["evaluator"].add(Sharpness, Origin("test", "tests", "0"))
    overrides = [
        "evaluation={images: 6, seeds: 1, evaluators: [{kind: sharpness}], best: {by: sharpness, every: 2}}",
        "stages[1].steps=6",
        f"output.folder={tmp_path / 'runs'}",
    ]
    loaded = load_recipe(tiny_recipe, overrides, components)
    with pytest.raises(KeyboardInterrupt):
        run(loaded, StopsWhenMeasured(), CPU)
    (folder,) = (tmp_path / "runs").iterdir()
    found = resume(folder, components, Listener(), CPU)

    rows = [json.loads(line) for line in (found.path / "metrics.jsonl").read_text().splitlines()]
    measured = {row["step"]: row["score"] for row in rows if "score" in row}
    best = max(measured, key=lambda step: measured[step])
    assert list(measured) == sorted(set(measured)), "no step is measured twice"
    assert found.checkpoints / f"step_{best:08d}" in list_checkpoints(found.checkpoints)

    score, _ = json.loads((found.path / "scores.json").read_text())
    # of other images than those by which it was chosen, and so near its measured value and not the same
    assert measured[best] != score["value"] == pytest.approx(measured[best], rel=0.1)
    assert any(f"of step {best}, chosen as the best by sharpness" in text for text in score["warnings"])

    expected = load_checkpoint(found.checkpoints / f"step_{best:08d}").tensors["generator_average"]
    generator, _ = load_generator(found.path, components, CPU, Listener())
    lent = Run(path=found.path).fetch(StoreContext(tmp_path))
    assert lent.provenance.name.endswith(f", step {best}")
    assert lent.generator is not None
    for name, value in generator.state_dict().items():
        assert torch.equal(value, expected[name]) and torch.equal(lent.generator[name], value)

    (found.checkpoints / f"step_{best:08d}" / "generator_average.safetensors").write_bytes(b"")
    listener = Notes()
    load_generator(found.path, components, CPU, listener)
    assert "missing or damaged" in listener.warnings[0]
    with pytest.raises(CheckpointError, match="missing or damaged"):
        Run(path=found.path).fetch(StoreContext(tmp_path))


def test_scores_of_the_newest_do_not_say_that_it_was_chosen(
    tiny_recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    components = plugins.load()
    components["evaluator"].add(Sharpness, Origin("test", "tests", "0"))
    evaluation = "evaluation={images: 6, seeds: 1, evaluators: [{kind: sharpness}], best: {by: sharpness, every: 2}}"
    for name, best_is_damaged in (("chosen", False), ("newest", True)):
        with monkeypatch.context() as patched:
            if best_is_damaged:
                patched.setattr(concluding, "load_best", lambda folder, stems: load_newest(folder))
                patched.setattr(Score, "distance", property(lambda score: 0.0))  # the first stays the best
            path = run(
                load_recipe(tiny_recipe, [evaluation, f"output.folder={tmp_path / name}"], components), Listener(), CPU
            )
        warnings = json.loads((path.path / "scores.json").read_text())[0]["warnings"]
        assert any("chosen as the best" in text for text in warnings) is not best_is_damaged
