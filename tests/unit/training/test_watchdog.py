"""A training that goes wrong is told of, once, with advice."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from cases import recipe_data
from trainings import trainer

from ganforge.listener import Listener
from ganforge.runs.rundir import RunDir
from ganforge.training.watchdog import PATIENCE, Watchdog

FINE = {"loss_real": 0.6, "loss_fake": 0.7, "spread_real": 0.4, "spread_fake": 0.3}


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (
            {"loss_real": 0.02, "loss_fake": 0.02},
            "for 5 rows of metrics the discriminator has made no mistake (sum of its losses 0.04)",
        ),
        ({"spread_fake": 0.03}, "images have been nearly the same (spread 0.03, of real ones 0.4)"),
    ],
)
def test_a_sign_is_told_once_after_some_patience_and_again_when_it_comes_back(
    signs: dict[str, float], words: str
) -> None:
    watchdog = Watchdog()
    bad = {**FINE, **signs}
    told = [
        watchdog.look(row)
        for row in [bad] * (PATIENCE - 1) + [FINE] + [bad] * (PATIENCE + 3) + [FINE] + [bad] * PATIENCE
    ]
    rows = [number for number, warnings in enumerate(told) if warnings]
    assert rows == [2 * PATIENCE - 1, len(told) - 1]
    (warning,) = told[rows[0]]
    assert words in warning


@pytest.mark.parametrize(
    "row",
    [FINE, {**FINE, "loss_real": -3.0, "loss_fake": 3.01}, {**FINE, "spread_real": 0.0, "spread_fake": 0.0}],
    ids=["fine", "wasserstein", "batch of one"],
)
def test_what_is_no_sign_is_not_told(row: dict[str, float]) -> None:
    watchdog = Watchdog()
    assert [watchdog.look(row) for _ in range(3 * PATIENCE)] == [[]] * 3 * PATIENCE


def test_a_generator_that_gives_one_image_is_told_of_while_it_trains(tmp_path: Path) -> None:
    class Told(Listener):
        warnings: list[str] = []

        def warning(self, text: str) -> None:
            self.warnings.append(text)

    data = recipe_data()
    data["stages"][0]["steps"] = PATIENCE + 1
    training = trainer(data, tmp_path, Told())
    with torch.no_grad():
        training.generator.fc.weight.zero_()  # type: ignore[operator, union-attr]
    training.players.generator_optimizer.step = lambda *_: None  # type: ignore[method-assign]
    training.fit()
    (warning,) = Told.warnings
    assert warning.startswith("step 5: for 5 rows of metrics generated images have been nearly the same (spread ")


def test_a_number_that_is_not_finite_is_null_in_the_metrics_and_told(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    row = {**FINE, "logit_real": math.inf}
    run.append_metrics({"step": 1, **row})
    assert run.read_metrics() == [{"step": 1, **FINE, "logit_real": None}]
    (warning,) = Watchdog().look(row)
    assert warning.startswith("logit_real is not finite, and stands as null in metrics.jsonl.")
