"""Notes about a run in a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from ganforge.interfaces import TrackerSpec

if TYPE_CHECKING:
    from ganforge.tracking.base import TrackedRun, Tracker


class StubNotes(TrackerSpec):
    """A line of JSON for everything that it is told; `fails` names a method that raises."""

    kind: Literal["stub_notes"] = "stub_notes"
    fails: str = ""

    def build(self, run: TrackedRun) -> Tracker:
        from ganforge.tracking.base import Tracker

        def note(*words: Any) -> None:
            if words[0] == self.fails:
                raise RuntimeError(f"no {words[0]}")
            run.folder.mkdir(parents=True, exist_ok=True)
            with (run.folder / "notes.jsonl").open("a") as file:
                file.write(json.dumps(words) + "\n")

        class Notes(Tracker):
            def metrics(self, step, values):
                note("metrics", step, dict(values))

            def samples(self, step, picture):
                note("samples", step, list(picture.shape))

            def measured(self, step, score):
                note("measured", step, score.value)

            def scores(self, step, scores):
                note("scores", step, [score.value for score in scores])

            def close(self, *, finished):
                note("close", finished)

        note("build", run.step, dict(run.values))
        return Notes()
