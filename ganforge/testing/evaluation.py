"""Conformance of evaluators."""

# N images

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganforge.interfaces import EvaluatorSpec
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganforge.data.images import LabelledImages


def example_images(num_images: int = 24, resolution: int = 16, num_classes: int = 2, seed: int = 0) -> LabelledImages:
    """Random blocks of colour, reddish or greenish by class; each two neighbours are one group."""
    import numpy as np

    from ganforge.data.images import DatasetCard, LabelledImages

    random = np.random.default_rng(seed)
    labels = np.arange(num_images, dtype=np.int64) % num_classes
    coarse = random.integers(0, 128, (num_images, 3, 4, 4))
    coarse[np.arange(num_images), labels % 3] += 100
    factor = resolution // 4
    pixels = coarse.repeat(factor, axis=2).repeat(factor, axis=3).astype(np.uint8)
    classes = tuple(f"class {label}" for label in range(num_classes))
    card = DatasetCard("examples", classes, "CC0-1.0", "none", is_phantom=True, fingerprint=f"examples {seed}")
    names = [f"{seed}-{index:03d}" for index in range(num_images)]
    return LabelledImages(pixels, labels, [f"{seed}-{index // 2}" for index in range(num_images)], names, card)


def check_evaluator(
    spec: EvaluatorSpec,
    cache: Path,
    real: LabelledImages | None = None,
    fake: LabelledImages | None = None,
    train: LabelledImages | None = None,
) -> None:
    """An evaluator gives finite scores with honest sample sizes, the same ones twice, and leaves its input alone.

    cache: an empty folder, such as pytest's `tmp_path`. real, fake: images to compare; train: what the generator was
    trained on. None: `example_images`.
    """
    import numpy as np

    from ganforge.evaluation.score import EvaluationContext, Score

    check_spec(spec)
    kind = spec.kind
    real = example_images() if real is None else real
    fake = example_images(seed=1) if fake is None else fake
    train = example_images(seed=2) if train is None else train
    arrays: list[NDArray[Any]] = [each for s in (real, fake, train) for each in (s.images, s.labels)]
    before = [array.copy() for array in arrays]
    scores = spec.evaluate(real, fake, EvaluationContext(cache, seed=0, train=train))
    expect(isinstance(scores, list) and scores, f"{kind}: gives no score.")
    for score in scores:
        expect(isinstance(score, Score), f"{kind}: gives {score!r}, which is no Score.")
        expect(math.isfinite(score.value), f"{kind}: the value of {score.name} is {score.value}.")
        expect(
            0 < score.n_real <= len(real) and 0 < score.n_fake <= len(fake),
            f"{kind}: {score.name} says n = {score.n_fake} generated against {score.n_real} real, but was given "
            f"{len(fake)} and {len(real)}.",
        )
        expect(
            score.spread is None or score.spread_of, f"{kind}: {score.name} has a spread, but does not say over what."
        )
        expect(
            score.of_class is None or score.of_class in real.card.classes,
            f"{kind}: {score.name} is about '{score.of_class}', which is no class of the images.",
        )
    identities = [(score.name, score.of_class) for score in scores]
    expect(len(set(identities)) == len(identities), f"{kind}: two scores have the same name and class.")
    again = spec.evaluate(real, fake, EvaluationContext(cache, seed=0, train=train))
    expect(again == scores, f"{kind}: gives other scores for the same images and seed.")
    expect(
        all(np.array_equal(old, new) for old, new in zip(before, arrays, strict=True)),
        f"{kind}: changes the images that it was given.",
    )
