"""The trackers as recipes name them. Each package is imported when a run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import StringConstraints

from ganforge.errors import expect_packages
from ganforge.interfaces import TrackerSpec

if TYPE_CHECKING:
    from ganforge.tracking.base import TrackedRun, Tracker

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=100)]
ServerUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/@\s]+(/\S*)?$")]


class MLflow(TrackerSpec):
    """A run of MLflow: in `mlruns` beside the runs, or on a server."""

    kind: Literal["mlflow"] = "mlflow"
    experiment: Name = "ganforge"
    #: Address of a tracking server; null: files in `mlruns`, beside the folder of the run.
    server: ServerUrl | None = None

    def preflight(self) -> None:
        expect_packages("tracker 'mlflow'", "ganforge-trackers[mlflow]", "mlflow")

    def build(self, run: TrackedRun) -> Tracker:
        from ganforge_trackers.mlflow_tracker import MLflowTracker

        return MLflowTracker(run, self.experiment, self.server)


class WandB(TrackerSpec):
    """A run of Weights & Biases: files for `wandb sync`, or live."""

    kind: Literal["wandb"] = "wandb"
    project: Name = "ganforge"
    #: `online` sends everything to the server that wandb is logged in to, while the run goes on.
    mode: Literal["offline", "online"] = "offline"

    def preflight(self) -> None:
        expect_packages("tracker 'wandb'", "ganforge-trackers[wandb]", "wandb")

    def build(self, run: TrackedRun) -> Tracker:
        from ganforge_trackers.wandb_tracker import WandBTracker

        return WandBTracker(run, self.project, self.mode)


class Trackio(TrackerSpec):
    """A run of Trackio, in its database on this machine; `trackio show` opens it."""

    kind: Literal["trackio"] = "trackio"
    project: Name = "ganforge"

    def preflight(self) -> None:
        expect_packages("tracker 'trackio'", "ganforge-trackers[trackio]", "trackio")

    def build(self, run: TrackedRun) -> Tracker:
        from ganforge_trackers.trackio_tracker import TrackioTracker

        return TrackioTracker(run, self.project)


TRACKERS: list[type[TrackerSpec]] = [MLflow, WandB, Trackio]
