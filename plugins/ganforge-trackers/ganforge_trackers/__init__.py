"""MLflow, Weights & Biases and Trackio as trackers of ganforge."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import TrackerSpec
from ganforge_trackers.specs import TRACKERS


@hookimpl
def ganforge_trackers() -> list[type[TrackerSpec]]:
    return TRACKERS
