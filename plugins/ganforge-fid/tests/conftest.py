"""Small sets of labelled images, an extractor without a network, and a server on this machine."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.evaluation.score import EvaluationContext
from ganforge.interfaces import ExtractorSpec

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3] / "tests" / "support")]

if TYPE_CHECKING:
    from faulty_server import FaultyServer


class SixNumbers:
    """Mean colour and its square per image."""

    name, sha256, dim, resizer = "colours", hashlib.sha256(b"colours").hexdigest(), 6, "none"

    def __init__(self) -> None:
        self.images_seen = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.images_seen += len(images)
        mean = images.mean(axis=(2, 3), dtype=np.float64) / 255
        return np.hstack([mean, mean**2]).astype(np.float32)


class Colours(ExtractorSpec):
    """An extractor without a network; all specs build the same object, which counts images."""

    kind: Literal["colours"] = "colours"

    def build(self, device: str) -> SixNumbers:
        return BUILT


BUILT = SixNumbers()


@pytest.fixture
def colours() -> Colours:
    BUILT.images_seen = 0
    return Colours()


@pytest.fixture
def images_seen() -> Callable[[], int]:
    """How many images `colours` has seen in this test."""
    return lambda: BUILT.images_seen


@pytest.fixture
def context(tmp_path) -> EvaluationContext:
    return EvaluationContext(cache=tmp_path / "cache", seed=3)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator["FaultyServer"]:
    from faulty_server import faulty_server

    monkeypatch.setenv("no_proxy", "*")
    with faulty_server() as running:
        yield running


@pytest.fixture
def drawn() -> Callable[..., LabelledImages]:
    """drawn(counts per class, seed, brightness): images of 4 px, two of each patient."""

    def draw(counts: list[int], seed: int = 0, brightness: int = 0) -> LabelledImages:
        n = sum(counts)
        images = np.random.default_rng(seed).integers(0, 100, size=(n, 3, 4, 4)) + brightness
        classes = tuple(f"grade {label}" for label in range(len(counts)))
        card = DatasetCard("discs", classes, "none", "none", False, "0" * 64)
        labels = np.repeat(np.arange(len(counts)), counts)
        names = [f"{i}.png" for i in range(n)]
        return LabelledImages(images.astype(np.uint8), labels, [f"patient {i // 2}" for i in range(n)], names, card)

    return draw


@pytest.fixture
def graded() -> Callable[..., LabelledImages]:
    """graded(counts per class, who, seed, overlap): images of 4 px, brighter by class; two of each patient of `who`."""

    def draw(counts: list[int], who: str, seed: int = 0, overlap: float = 8) -> LabelledImages:
        n, generator = sum(counts), np.random.default_rng(seed)
        labels = np.repeat(np.arange(len(counts)), counts)
        brightness = 40 + 30 * labels + generator.normal(0, overlap, n)
        images = (brightness[:, None, None, None] + generator.normal(0, 8, (n, 3, 4, 4))).clip(0, 255)
        classes = tuple(f"grade {label}" for label in range(len(counts)))
        card = DatasetCard("discs", classes, "none", "none", False, "0" * 64)
        names = [f"{i}.png" for i in range(n)]
        return LabelledImages(images.astype(np.uint8), labels, [f"{who} {i // 2}" for i in range(n)], names, card)

    return draw
