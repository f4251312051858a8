"""The evaluator `memorisation`: from training, held-out and generated images to scores, and to the closest pairs."""

# T training images, H held-out images, M generated images

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge.errors import DataError, UsageError
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge_fid import literature
from ganforge_fid.comparison import Array, compare_all
from ganforge_fid.meanings import MEANINGS
from ganforge_fid.memorisation import MIN_HELD_OUT, expected_share, ratio_and_share
from ganforge_fid.on_features import OnFeatures
from ganforge_fid.pairs import Pair, closest_pairs, write_panel
from ganforge_fid.scoring import MIN_PER_CLASS, spread_of
from ganforge_fid.spaces import FeatureSpace, PixelSpace, Space

_LOOK = (
    "no proof either way, look at the closest pairs too: copies that are noisy or recoloured escape one of features "
    "and pixels, and copies that are shifted or turned may escape both."
)


def _is_panel(path: Path) -> bool:
    from ganforge.pictures import is_marked

    return path.is_file() and is_marked(path)


def _expect_free(panel: Path) -> None:
    """Raise UsageError where no panel can be written."""
    folder = panel.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} for memorisation's panel.")
    if panel.exists() and not _is_panel(panel):
        raise UsageError(f"{panel} is there and no panel; memorisation's panel needs a name of its own.")
    try:  # permissions don't tell: root has all, and can make no file in /proc
        TemporaryFile(dir=folder).close()
    except OSError as error:
        text = f"no file can be made in {folder} for memorisation's panel: {error.strerror}."
        raise UsageError(text) from error


class Memorisation(OnFeatures):
    """Whether generated images are copies: how near they are to training images, against held-out images.

    `memorisation_ratio` is the median distance to the nearest training image, over that of held-out images: near 1 for
    new images, near 0 for copies. `memorisation_share` is the part of the generated images that is nearer than the 1%
    quantile of held-out images: 0.01 for new images. Each in the space of the features and in pixels, since each misses
    copies that the other finds. A training image counts as it is and mirrored: a generator that was trained with flips
    copies either.
    """

    kind: Literal["memorisation"] = "memorisation"
    papers: ClassVar[tuple[str, ...]] = (literature.COPYING,)
    #: PNG of the generated images that are nearest to a training image, beside that; null: none. It shows patients.
    panel: Path | None = None

    def preflight(self) -> None:
        super().preflight()
        if self.panel is not None:
            _expect_free(self.panel)

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        """Ratio and share in features and in pixels, the share also by class; `real` are the held-out images.

        Distances fall as T grows, for held-out and generated images alike: only scores at the same T can be compared.
        Held-out images that are training images to the pixel are left out, with a warning. Spread and floor are those
        of halves of the held-out images, by patient. Raises DataError where the training images are not known, or
        no two images were held out.
        """
        train = _training_images(context)
        _check_sides(train, real, fake)
        spaces: tuple[Space, ...] = (FeatureSpace(self.extractor, train, context), PixelSpace(train, context))
        # distances are sorted by content, so that the draws depend on the images and not on their order
        of_train, of_real, of_fake = (
            context.features(self.extractor, images, what)
            for images, what in ((train, "training images"), (real, "real images"), (fake, "generated images"))
        )

        def distances_of_real(space: Space) -> Array:
            key = (self.kind, space.extractor, space.resizer, of_train.sha256, of_real.sha256)
            return context.once(key, lambda: space.nearest(real, "real images").distances[of_real.order])

        in_features, in_pixels = map(distances_of_real, spaces)
        is_new = in_pixels > 0
        _check_held_out(is_new)
        groups = [of_real.groups[i] for i in np.flatnonzero(is_new)]
        notes = _notes(train, groups, len(real))
        scores = []
        for space, held_out in zip(spaces, (in_features, in_pixels), strict=True):
            generated = space.nearest(fake, "generated images").distances
            args = held_out[is_new], groups, generated[of_fake.order], context.seed, real.card.name, notes
            ratio, share = _scores(space, *args)
            scores += [ratio, share]
            if context.is_conditional:
                scores += _shares_by_class(share, held_out[is_new], fake, generated)
        if self.panel is not None:
            write_panel(self.panel, fake, train, self.closest_pairs(fake, context))
        return scores

    def closest_pairs(self, fake: LabelledImages, context: EvaluationContext, count: int = 8) -> dict[str, list[Pair]]:
        """Per space, the `count` generated images nearest to a training image, for `pairs.write_panel`."""
        train = _training_images(context)
        _check_sides(train, fake)
        spaces: tuple[Space, ...] = (FeatureSpace(self.extractor, train, context), PixelSpace(train, context))
        return {space.label: closest_pairs(space.nearest(fake, "generated images"), count) for space in spaces}


def _scores(
    space: Space, held_out: Array, groups: Sequence[str], fake: Array, seed: int, dataset: str, notes: list[str]
) -> list[Score]:
    """held_out: (H,), fake: (M,), distances; groups: H names."""
    draws = compare_all(lambda a, b: ratio_and_share(a.values, b.values), held_out, groups, fake, seed)
    scores = []
    for name, value in ratio_and_share(held_out, fake).items():
        draw = draws[name]
        scores.append(
            Score(
                name=f"memorisation_{name}[{space.label}]",
                value=value,
                n_real=len(held_out),
                n_fake=len(fake),
                spread=draw.spread,
                spread_of=spread_of(draw, len(held_out), len(fake), "held-out"),
                # for the share: what is expected at this many held-out images; halves of them follow another rule
                floor=expected_share(len(held_out)) if name == "share" and draw.floor is not None else draw.floor,
                lower_is_better=name == "share",
                target=1.0 if name == "ratio" else None,
                meaning=MEANINGS[f"memorisation_{name}"],
                extractor=space.extractor,
                resizer=space.resizer,
                dataset=dataset,
                warnings=(_LOOK, *(_few(len(held_out)) if name == "share" else ()), *notes),
            )
        )
    return scores


def _shares_by_class(of_all: Score, held_out: Array, fake: LabelledImages, distances: Array) -> list[Score]:
    """The share of each class with enough generated images, against the held-out images of all classes.

    A class of few training images can be copied while the share of all is still that of new images.
    """
    shares = []
    for label, name in enumerate(fake.card.classes):
        of_class = distances[fake.labels == label]
        if len(of_class) >= MIN_PER_CLASS:
            share = ratio_and_share(held_out, of_class)["share"]
            shares.append(replace(of_all, value=share, n_fake=len(of_class), spread=None, spread_of="", of_class=name))
    return shares if len(fake.card.classes) > 1 else []


def _training_images(context: EvaluationContext) -> LabelledImages:
    if context.train is None or not len(context.train):
        raise DataError(
            "memorisation needs the images that the generator was trained on, beside real images that it was not "
            "trained on. A run has both if split.held_out is above 0; for a folder, name them with --train."
        )
    return context.train


def _check_sides(train: LabelledImages, *others: LabelledImages) -> None:
    for images in others:
        if not len(images):
            raise DataError("memorisation needs at least one generated and two held-out images, but a set is empty.")
        if images.images.shape[1:] != train.images.shape[1:]:
            sides = ["x".join(map(str, each.images.shape[2:])) for each in (train, images)]
            raise DataError(
                f"memorisation compares images of one size; the training images are {sides[0]}, others {sides[1]}."
            )


def _check_held_out(is_new: NDArray[np.bool_]) -> None:
    if is_new.sum() < 2:
        raise DataError(
            f"memorisation needs at least two images that the generator was not trained on; of the {len(is_new)} real "
            f"images {len(is_new) - is_new.sum()} are training images. Hold some out with split.held_out."
        )


def _few(num_held_out: int) -> list[str]:
    if num_held_out >= MIN_HELD_OUT:
        return []
    return [
        f"{num_held_out} held-out images are too few for a 1% quantile, which needs {MIN_HELD_OUT}: generated images "
        f"are counted below the smallest distance of a held-out image, where {expected_share(num_held_out):.2g} "
        f"of new images are expected."
    ]


def _notes(train: LabelledImages, held_out: Sequence[str], num_real: int) -> list[str]:
    """held_out: the groups of those of the real images that are no training images."""
    notes = [f"against {len(train)} training images; compare with scores against as many only."]
    num_copies = num_real - len(held_out)
    if num_copies:
        notes.append(f"{num_copies} of {num_real} held-out images are training images to the pixel and were left out.")
    trained = set(train.groups)
    num_shared = sum(group in trained for group in held_out)
    if num_shared:
        notes.append(
            f"{num_shared} of {len(held_out)} held-out images belong to patients of the training images, "
            f"and may be nearer to those than images of new patients."
        )
    return notes
