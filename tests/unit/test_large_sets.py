"""A set of images that is larger than the memory: only batches are copied."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pytest
import torch
from cases import planned, recipe_data
from numpy.typing import NDArray

from ganforge.data import shards
from ganforge.data.assemble import labelled
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.prepared import Made, prepared_set
from ganforge.evaluation.evaluation import reference_of
from ganforge.evaluation.measure import measure
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import DatasetSpec, EvaluatorSpec, ExtractorSpec
from ganforge.listener import Listener
from ganforge.loading import load_data
from ganforge.plan.plan import Plan
from ganforge.runs.rundir import RunDir
from ganforge.testing.evaluation import example_images
from ganforge.training.reals import RealImages

N, SIDE = 600, 64
SET_BYTES = N * 3 * SIDE * SIDE
#: Of what is traced: a batch of 32 images, at most two copies of it at once, and the rest.
LIMIT = SET_BYTES // 4


def noise(item: int) -> Made:
    return Made(np.random.default_rng(item // 2).integers(0, 256, (SIDE, SIDE, 3), np.uint8), SIDE)


class Large(DatasetSpec):
    """Noise of 7 MB, in shards of 1 MB; each picture is there twice."""

    kind: Literal["large"] = "large"

    def classes(self) -> tuple[str, ...]:
        return ("odd", "even")

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        prepared = prepared_set(noise, range(N), lambda refused: None, ["noise"], resolution, context)
        names = [str(item) for item in range(N)]
        labels = [item % 2 for item in range(N)]
        return labelled(prepared, labels, names, names, self.classes(), "noise", "CC0-1.0", "none")


class Means:
    """The mean level of each channel."""

    name, sha256, dim, resizer = "means", "a" * 64, 3, "none"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.stack([image.mean(axis=(1, 2)) for image in images]).astype(np.float32)


class MeansSpec(ExtractorSpec):
    kind: Literal["means"] = "means"

    def build(self, device: str) -> Means:
        return Means()


class AsksForFeatures(EvaluatorSpec):
    kind: Literal["asks"] = "asks"
    in_batches: ClassVar[bool] = True

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        assert context.train is not None
        of_real = context.features(MeansSpec(), real, "real images")
        of_train = context.features(MeansSpec(), context.train, "training images")
        return [Score("asks", float(of_real.values.mean() - of_train.values.mean()), len(real), len(fake))]


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Plan:
    """Of a tiny recipe on the large set, which is prepared."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)
    monkeypatch.setattr(shards, "SHARD_BYTES", 2**20)
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    Large().load(SIDE, LoadContext(tmp_path / "cache"))
    small = planned(recipe_data())
    return replace(small, recipe=small.recipe.model_copy(update={"data": Large(), "resolution": SIDE}))


def test_loading_training_and_measuring_hold_no_more_than_some_batches(plan: Plan, tmp_path: Path) -> None:
    run_dir = RunDir.create(tmp_path / "runs", "large")
    tracemalloc.start()
    try:
        train, held_out = load_data(plan, run_dir, Listener())
        reals = RealImages(train, [1 / len(train)] * len(train), 0, torch.device("cpu"), by_epoch=True)
        seen = 0.0
        for start in range(0, len(train), 16):
            seen += float(reals.batch(range(start, min(start + 16, len(train)))).images.sum())
        measured = measure(
            [AsksForFeatures()],
            reference_of(plan.recipe, train, held_out),
            [example_images()],
            seed=0,
            is_conditional=True,
            listener=Listener(),
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LIMIT, f"{peak:,} bytes of a set of {SET_BYTES:,}"
    assert not measured.failures and len(measured.scores) == 1
    # and it is the images that were read
    mean = np.mean([noise(int(name)).pixels.mean() for name in train.names])
    assert seen / (len(train) * 3 * SIDE * SIDE) == pytest.approx(mean / 127.5 - 1, abs=1e-5)


def test_the_limit_is_one_that_a_copy_does_not_keep(plan: Plan, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        train, _ = load_data(plan, RunDir.create(tmp_path / "runs", "large"), Listener())
        np.asarray(train.images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak > 2 * LIMIT


def test_images_on_both_sides_are_found_without_reading_them(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Hears(Listener):
        def warning(self, message: str) -> None:
            said.append(message)

    monkeypatch.setattr(shards.Shards, "__getitem__", None)
    train, held_out = load_data(plan, RunDir.create(tmp_path / "runs", "large"), Hears())
    pictures = {int(name) // 2 for name in train.names}
    shared = sum(int(name) // 2 in pictures for name in held_out.names)
    assert shared > 0 and said[0].startswith(f"{shared} of {len(held_out)} held-out images have the pixels of one")
