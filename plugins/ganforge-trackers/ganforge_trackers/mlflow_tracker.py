"""MLflow, by its client, which adds no user, script or commit to a run."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganforge.files import write_text
from ganforge.phantoms import PHANTOM
from ganforge.tracking.base import TrackedRun, Tracker, score_key

if TYPE_CHECKING:
    from ganforge.evaluation.score import Score

#: Parameters in one request, and characters of a value, at most; limits of MLflow.
MAX_PARAMETERS, MAX_VALUE = 100, 6000


class MLflowTracker(Tracker):
    """One run of MLflow for one run of ganforge, however often that is resumed."""

    def __init__(self, run: TrackedRun, experiment: str, server: str | None) -> None:
        # read when mlflow is imported
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient

        self._client: Any = MlflowClient(server or (run.folder.parents[2] / "mlruns").as_uri())
        known = run.folder / "run_id"
        if known.is_file():
            self._id = known.read_text(encoding="utf-8")
            self._client.update_run(self._id, status="RUNNING")
            return
        found = self._client.get_experiment_by_name(experiment)
        number = found.experiment_id if found else self._client.create_experiment(experiment)
        tags = {"classes": ", ".join(run.classes), **({"phantom": PHANTOM} if run.is_phantom else {})}
        self._id = self._client.create_run(number, run_name=run.name, tags=tags).info.run_id
        self._log_values(run.values)
        write_text(known, self._id)

    def _log_values(self, values: Mapping[str, object]) -> None:
        from mlflow.entities import Param

        rows = [Param(allowed(name), str(value)[:MAX_VALUE]) for name, value in values.items()]
        for start in range(0, len(rows), MAX_PARAMETERS):
            self._client.log_batch(self._id, params=rows[start : start + MAX_PARAMETERS])

    def _log(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(self._id, metrics=[Metric(allowed(k), v, now, step) for k, v in values.items()])

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self._log(step, values)

    def samples(self, step: int, picture: NDArray[np.uint8]) -> None:
        self._client.log_image(self._id, picture, artifact_file=f"samples/step_{step:08d}.png")

    def measured(self, step: int, score: Score) -> None:
        self._log(step, {f"measured/{_flat(score)}": score.value})

    def scores(self, step: int, scores: Sequence[Score]) -> None:
        self._log(step, {f"scores/{_flat(score)}": score.value for score in scores})
        self._client.log_text(self._id, "".join(f"{score}\n" for score in scores), "scores.txt")

    def close(self, *, finished: bool) -> None:
        self._client.set_terminated(self._id, "FINISHED" if finished else "KILLED")


def _flat(score: Score) -> str:
    """Files hold the values, so that no name may be the folder of another."""
    return score_key(score).replace("/", ".")


def allowed(name: str) -> str:
    """The name with what MLflow refuses in names replaced."""
    return re.sub(r"[^A-Za-z0-9_\-. :/]", "_", name)
