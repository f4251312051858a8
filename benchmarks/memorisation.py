"""What the evaluator `memorisation` computes for each generator seed, and what once for all of them."""

# N images

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import interleaved
from ganforge.evaluation.score import EvaluationContext
from ganforge.evaluation.store import FeatureStore
from ganforge.interfaces import ExtractorSpec
from ganforge.testing.evaluation import example_images

TRAIN, HELD_OUT, GENERATED, SIDE = 2000, 400, 200, 64


def memorisation(repeats: int) -> dict[str, Any]:
    """Seconds for one more generator seed, without the network's: all computed again, or what can be kept kept."""
    from ganforge_fid.copies import Memorisation

    train, real, fake = (example_images(n, SIDE, seed=n) for n in (TRAIN, HELD_OUT, GENERATED))
    stores = {"again": FeatureStore(), "once": FeatureStore()}

    def seed(name: str) -> None:
        if name == "again":
            stores[name]._made.clear()
        context = EvaluationContext(Path(cache), 0, train=train, store=stores[name])
        Memorisation(extractor=_Colours()).evaluate(real, fake, context)
        stores[name].forget_generated()

    with tempfile.TemporaryDirectory() as cache:
        times = interleaved({name: lambda name=name: seed(name) for name in stores}, repeats)  # type: ignore[misc]
    rows = {name: timing.as_dict() for name, timing in times.items()}
    return {**rows, "speedup": times["again"].median / times["once"].median}


class _Colours(ExtractorSpec):
    """Mean colours, which take no time."""

    kind: Literal["colours"] = "colours"

    def build(self, device: str) -> _MeanColour:
        return _MeanColour()


class _MeanColour:
    name, sha256, dim, resizer = "colours", "0" * 64, 3, "none"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images.mean(axis=(2, 3), dtype=np.float32)
