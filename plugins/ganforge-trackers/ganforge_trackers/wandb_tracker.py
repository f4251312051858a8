"""Weights & Biases, told neither of the machine nor of the code, and offline unless a recipe says otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ganforge.files import write_text
from ganforge.phantoms import PHANTOM
from ganforge.tracking.base import TrackedRun, Tracker, score_key

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score


class WandBTracker(Tracker):
    """One run of wandb for one run of ganforge; when that is resumed, it goes on under the same id."""

    def __init__(self, run: TrackedRun, project: str, mode: Literal["offline", "online"]) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # read when wandb is imported
        import wandb

        known = run.folder / "run_id"
        if not known.is_file():
            write_text(known, uuid4().hex[:8])
        settings = wandb.Settings(
            mode=mode,
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            save_code=False,
            disable_job_creation=True,
            host="",
            x_disable_meta=True,
            x_disable_stats=True,
            x_disable_machine_info=True,
        )
        self._wandb: Any = wandb
        self._run: Any = wandb.init(
            project=project,
            name=run.name,
            id=known.read_text(encoding="utf-8"),
            resume="allow" if mode == "online" else None,
            dir=str(run.folder),
            config={**run.values, "classes": list(run.classes)},
            tags=["phantom"] if run.is_phantom else [],
            notes=PHANTOM if run.is_phantom else None,
            reinit="create_new",
            settings=settings,
        )
        # each row is sent when it comes; wandb's own step would hold it back until the next one
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log({"step": step, **{f"metrics/{name}": value for name, value in values.items()}})

    def samples(self, step: int, picture: NDArray[np.uint8]) -> None:
        self._run.log({"step": step, "samples": self._wandb.Image(picture)})

    def measured(self, step: int, score: Score) -> None:
        self._run.log({"step": step, f"measured/{score_key(score)}": score.value})

    def scores(self, step: int, scores: Sequence[Score]) -> None:
        self._run.log({"step": step, **{f"scores/{score_key(score)}": score.value for score in scores}})
        self._run.summary["scores"] = [str(score) for score in scores]

    def close(self, *, finished: bool) -> None:
        self._run.finish(exit_code=0 if finished else 1)
