"""Conformance of trackers."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.interfaces import TrackerSpec
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from ganforge.tracking.base import TrackedRun


def check_tracker(spec: TrackerSpec, folder: Path) -> None:
    """A tracker takes what a run tells it, a second time after a resume, and leaves the run alone.

    It draws no random number that others would get, changes nothing that it is given, keeps the number of threads, and
    puts signal handlers back. folder: an empty one, such as pytest's `tmp_path`.
    """
    import signal

    import numpy as np
    import torch

    from ganforge.evaluation.score import Score
    from ganforge.tracking.base import Tracker

    check_spec(spec)
    kind = spec.kind
    spec.preflight()
    values = {"loss_generator": 0.7, "loss_real": 1e-30, "images": 12.0}
    picture = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
    name = "kd[efficientnet-lite0@1a2b3c4d]"
    scores = [Score(name, 0.25, 8, 8), Score(name, 0.5, 4, 4, of_class="0 no DR / \u00e9")]
    signals = (signal.SIGINT, signal.SIGTERM)

    def state() -> tuple[object, ...]:
        numbers = repr(np.random.get_state())
        handlers = tuple(signal.getsignal(number) for number in signals)
        return (
            random.getstate(),
            numbers,
            torch.get_rng_state().numpy().tobytes(),
            torch.get_num_threads(),
            handlers,
        )

    before = state()
    for step in (0, 20):
        tracker = spec.build(example_run(folder, step))
        expect(isinstance(tracker, Tracker), f"{kind}: builds a {type(tracker).__name__}, which is no Tracker.")
        told, shown = dict(values), picture.copy()
        tracker.metrics(step + 10, told)
        tracker.samples(step + 10, shown)
        tracker.measured(step + 10, scores[0])
        if step:
            tracker.scores(30, list(scores))
        tracker.close(finished=step > 0)
        expect(told == values, f"{kind}: changes the metrics that it is given.")
        expect(np.array_equal(shown, picture), f"{kind}: changes the picture that it is given.")
    expect(
        state() == before,
        f"{kind}: draws from random, numpy or torch, or changes threads or signal handlers, which changes the run.",
    )


def example_run(folder: Path, step: int = 0) -> TrackedRun:
    """A run of phantoms at this step."""
    from ganforge.tracking.base import TrackedRun, Value

    values: dict[str, Value] = {
        "name": "example",
        "seed": 0,
        "source": None,
        "training.loss.kind": "bce",
        "training.ema": 0.999,
    }
    return TrackedRun(
        name="00000-example",
        folder=folder / "00000-example" / "trackers" / "checked",
        values=values,
        classes=("0 no DR", "1 mild"),
        is_phantom=True,
        step=step,
        num_steps=30,
    )
