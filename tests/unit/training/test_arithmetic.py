"""What `training.step` becomes, what the run says about it, and that a resumed run keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from cases import recipe_data, stage
from trainings import StopAfter, Stopped, trainer

from ganforge.errors import CheckpointError
from ganforge.networks import staged
from ganforge.runs.checkpoint import load_newest
from ganforge.training import arithmetic
from ganforge.training.arithmetic import Arithmetic, choose, read_arithmetic, with_intervals
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.routes import AutogradRoute
from ganforge.training.specs import R1

CPU = torch.device("cpu")
GOOD = {"generator": "float32", "discriminator": "float32", "penalty_interval": 1, "reason": ""}


class Notes(StopAfter):
    """Collects what the run says."""

    def __init__(self, step: int = -1) -> None:
        super().__init__(step)
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.parametrize(
    ("step", "has_bf16", "formats", "reason"),
    [
        ("exact", True, "float32", "exact step: float32."),
        ("exact", False, "float32", "exact step: float32."),
        ("auto", True, "bfloat16", "fast step: bfloat16, which this cpu computes natively."),
        ("auto", False, "float32", "exact step: this cpu has no native bfloat16."),
        (
            "fast",
            False,
            "bfloat16",
            "fast step: bfloat16, though this cpu has no native bfloat16; `exact` may be faster.",
        ),
    ],
)
def test_the_step_is_chosen_by_recipe_and_hardware(
    step: str, has_bf16: bool, formats: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "has_fast_bf16", lambda device: has_bf16)
    found = choose(step, CPU)  # type: ignore[arg-type]
    interval = 16 if formats == "bfloat16" else 1
    assert found == Arithmetic(formats, formats, interval, reason)  # type: ignore[arg-type]
    open_, lazy = with_intervals([R1(gamma=5), R1(gamma=5, every=4)], found)
    assert (open_.every, lazy.every) == (interval, 4)


@pytest.mark.parametrize(
    ("deviation", "expected", "said"),
    [
        (0.02, "bfloat16", "The generator's gradient is 2.0% off in it."),
        (0.3, "float32", "The generator stays in float32: the generator's gradient is 30.0% off in it, more than 5%."),
        (
            float("nan"),
            "float32",
            "The generator stays in float32: no gradient reaches it by which bfloat16 could be checked.",
        ),
    ],
)
def test_a_generator_whose_gradient_suffers_stays_in_float32(
    deviation: float, expected: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "generator_deviation", lambda *_: deviation)
    data = recipe_data("style")
    data["training"]["step"] = "fast"
    notes = Notes()
    run = trainer(data, tmp_path, notes)
    run.fit()
    current = run.arithmetic.current
    assert current is not None
    assert (current.generator, current.discriminator) == (expected, "bfloat16")
    stages = json.loads((tmp_path / "run.json").read_text())["arithmetic"]
    assert [stage["generator"] for stage in stages.values()] == [expected] * len(data["stages"])
    assert notes.texts[0].endswith(said)


def test_the_gradient_is_checked_again_where_other_parameters_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deviations = iter([0.3, 0.02])
    monkeypatch.setattr(arithmetic, "generator_deviation", lambda *_: next(deviations))
    data = recipe_data("style")
    data["training"]["step"] = "fast"
    data["stages"] = [stage("head", 2), stage("all", 2)]
    notes = Notes()
    trainer(data, tmp_path, notes).fit()
    stages = json.loads((tmp_path / "run.json").read_text())["arithmetic"]
    assert [found["generator"] for found in stages.values()] == ["float32", "bfloat16"]
    assert [found["discriminator"] for found in stages.values()] == ["bfloat16", "bfloat16"]
    assert len(notes.texts) == 2 and notes.texts[1].endswith(" The generator's gradient is 2.0% off in it.")


def test_small_features_of_a_generator_are_never_rounded(tmp_path: Path) -> None:
    run = trainer(recipe_data("style"), tmp_path)  # 8 px
    assert arithmetic.generator_deviation(run.train_step, range(3), CPU) == 0


def test_the_gradient_check_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged.Generator, "smallest_rounded_side", 1)
    run = trainer(recipe_data("style"), tmp_path)
    before = {name: value.clone() for name, value in run.generator.state_dict().items()}
    deviation = arithmetic.generator_deviation(run.train_step, range(3), CPU)
    assert arithmetic.generator_deviation(run.train_step, range(3), CPU, 2) == pytest.approx(deviation, rel=1e-2)
    assert 0 < deviation < 1
    assert run.train_step.generator_dtype == torch.float32
    assert all(torch.equal(before[name], value) for name, value in run.generator.state_dict().items())
    assert all(parameter.grad is None for parameter in run.discriminator.parameters())


def test_a_resumed_run_computes_as_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = recipe_data("style")
    data["training"]["step"] = "auto"
    monkeypatch.setattr(arithmetic, "has_fast_bf16", lambda device: True)
    with pytest.raises(Stopped):
        trainer(data, tmp_path, Notes(step=3)).fit()
    monkeypatch.setattr(arithmetic, "has_fast_bf16", lambda device: False)
    resumed = trainer(data, tmp_path)
    resumed.restore(load_newest(resumed.run.checkpoints)[0])
    resumed.fit()
    assert resumed.train_step.route.dtype == torch.bfloat16


@pytest.mark.parametrize(
    "damage",
    [
        [],
        "x",
        {"0": None},
        {"first": GOOD},
        {"1": GOOD},
        {"0": {"generator": "float8"}},
        {"0": {**GOOD, "generator": "bfloat16"}},
        {"0": {**GOOD, "penalty_interval": 0}},
        {"0": {**GOOD, "penalty_interval": True}},
        {"0": {**GOOD, "penalty_interval": float("nan")}},
        {"0": {**GOOD, "penalty_interval": "1"}},
    ],
)
def test_a_run_that_does_not_say_how_it_computed_is_refused(damage: object) -> None:
    with pytest.raises(CheckpointError, match="doesn't say how the run computed"):
        read_arithmetic({"arithmetic": damage})
    assert read_arithmetic({}) == {}
    assert read_arithmetic({"arithmetic": {"0": GOOD}}) == {0: Arithmetic("float32", "float32", 1, "")}


def test_a_run_that_lost_how_it_computed_is_not_resumed(tmp_path: Path) -> None:
    run = trainer(recipe_data("style"), tmp_path)
    run.fit()
    run.run.write_state(arithmetic={})
    resumed = trainer(recipe_data("style"), tmp_path)
    resumed.run.write_state(arithmetic={})
    with pytest.raises(CheckpointError, match="doesn't say how the run computed"):
        resumed.restore(load_newest(resumed.run.checkpoints)[0])


def test_a_discriminator_that_is_not_piecewise_linear_falls_back_and_the_run_says_so(tmp_path: Path) -> None:
    notes = Notes()
    run = trainer(recipe_data(discriminator="third_party"), tmp_path, notes)
    assert isinstance(run.train_step.route, AutogradRoute)
    run.fit()
    assert notes.texts[0] == (
        "the discriminator's gradients come from autograd alone, which is slower, since gate_0 does not declare "
        "`piecewise_linear`."
    )
    assert isinstance(trainer(recipe_data(), tmp_path / "other").train_step.route, PiecewiseRoute)
