"""Conformance of evaluators."""

# N images

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganforge.errors import PluginError
from ganforge.interfaces import EvaluatorSpec
from ganforge.testing.specs import check_spec, expect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganforge.data.images import LabelledImages
    from ganforge.evaluation.score import Score


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
    *,
    compares: bool = True,
) -> None:
    """An evaluator gives finite scores with honest sample sizes, and leaves its input alone.

    The same images give the same scores, in any order; what the generator was trained on, and with `in_batches` the
    real images, may come in batches only. If it compares real and generated images, the real ones themselves get better
    scores than nearly black ones; compares=False for one that measures something else, such as whether images are
    copies.

    cache: an empty folder, such as pytest's `tmp_path`. real, fake: images to compare; train: what the generator was
    trained on. None: `example_images`.
    """
    import numpy as np

    from ganforge.evaluation.score import EvaluationContext

    check_spec(spec)
    kind = spec.kind
    real = example_images() if real is None else real
    fake = example_images(seed=1) if fake is None else fake
    train = example_images(seed=2) if train is None else train

    def evaluated(real: LabelledImages, fake: LabelledImages, train: LabelledImages = train) -> list[Score]:
        return spec.evaluate(real, fake, EvaluationContext(cache, seed=0, train=train))

    arrays: list[NDArray[Any]] = [np.asarray(each) for s in (real, fake, train) for each in (s.images, s.labels)]
    before = [array.copy() for array in arrays]
    scores = evaluated(real, fake)
    _check_scores(kind, scores, real, fake)
    expect(evaluated(real, fake) == scores, f"{kind}: gives other scores for the same images and seed.")
    expect(
        all(np.array_equal(old, new) for old, new in zip(before, arrays, strict=True)),
        f"{kind}: changes the images that it was given.",
    )
    try:
        turned = evaluated(_turned(real, in_memory=not spec.in_batches), _turned(fake), _turned(train, in_memory=False))
    except (AttributeError, TypeError) as error:
        raise AssertionError(
            f"{kind}: takes images for an array that a training leaves on the disk ({error}). Take batches, such as "
            "`context.train.images[start:stop]`."
        ) from error
    # sums in another order differ by rounding
    expect(
        [(s.name, s.of_class) for s in turned] == [(s.name, s.of_class) for s in scores]
        and all(
            math.isclose(s.value, t.value, rel_tol=1e-6, abs_tol=1e-9) for s, t in zip(scores, turned, strict=True)
        ),
        f"{kind}: gives other scores for the same images in another order.",
    )
    if compares:
        _check_ranking(
            kind, evaluated(real, real), evaluated(real, replace(real, images=np.asarray(real.images) // 16))
        )


def _check_scores(kind: str, scores: list[Score], real: LabelledImages, fake: LabelledImages) -> None:
    from ganforge.evaluation.checks import checked

    expect(isinstance(scores, list) and scores, f"{kind}: gives no score.")
    try:
        checked(scores)
    except PluginError as error:
        raise AssertionError(f"{kind}: {error}") from error
    for score in scores:
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


def _check_ranking(kind: str, same: list[Score], far: list[Score]) -> None:
    for near, away in zip(same, far, strict=True):
        expect(
            near.distance < away.distance,
            f"{kind}: {near.name} is {near.value:.4g} for the real images themselves and {away.value:.4g} for "
            f"nearly black ones, but says that {near.better} is better.",
        )


def _turned(images: LabelledImages, *, in_memory: bool = True) -> LabelledImages:
    """The same images, the last one first."""
    import numpy as np

    turned = images.subset(np.arange(len(images))[::-1])
    return turned.in_memory() if in_memory else turned
