"""What evaluators with a classifier start from: features and labels of training, held-out and generated images."""

# N images, D features, K classes

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge.errors import DataError
from ganforge.evaluation.features import FeatureSet
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import ExtractorSpec
from ganforge_fid.classes import Classes, Groups, chosen_classes
from ganforge_fid.probe import LinearProbe, linear_probe
from ganforge_fid.recognition import RESAMPLINGS, Array, Indices, Measure, resampled, spread_of

#: Kappa on held-out real images below which classes count as not recognisable; agreement up to 0.2 is slight
#: (Landis & Koch 1977).
MIN_KAPPA = 0.2


@dataclass(frozen=True, eq=False)
class Side:
    """One set of images, sorted by content."""

    #: (N, D)
    values: NDArray[np.float32]
    #: (N,), of the chosen classes.
    labels: Indices
    groups: tuple[str, ...]
    #: The same for the same values, labels and groups alone.
    key: Hashable

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Sides:
    """Images that were trained on, held-out ones of other patients, and generated ones."""

    train: Side
    real: Side
    fake: Side
    classes: Classes
    #: `linear probe on efficientnet-lite0@57934424`, with the merged classes.
    classifier: str
    #: As scores name it.
    extractor: str
    resizer: str
    dataset: str
    resolution: int
    context: EvaluationContext

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.classes.names)

    def trained_on_real(self) -> LinearProbe:
        """The classifier that the real training images teach, for all evaluators and sets of generated images."""
        key = ("linear probe", self.train.key, self.num_classes)
        return self.context.once(key, lambda: linear_probe(self.train.values, self.train.labels, self.num_classes))

    def draws_on_real(self, measure: Measure) -> Array:
        """What `resampled` gives for that classifier on the held-out patients, for all evaluators of this seed."""
        real, seed = self.real, self.context.seed
        key = ("resampled", measure.name, self.train.key, real.key, self.num_classes, seed)
        probe = self.trained_on_real()
        return self.context.once(key, lambda: resampled(measure, real.labels, probe(real.values), real.groups, seed))

    def score(
        self,
        name: str,
        value: float,
        floor: float,
        draws: Array,
        drawn: str,
        floor_draws: Array,
        meaning: str,
        warnings: list[str],
    ) -> Score:
        """A score of which more is better.

        draws: its values over resamplings of `drawn`, for the spread; floor_draws: those of the floor over resamplings
        of the held-out patients.
        """
        spread = spread_of(draws)
        return Score(
            name=name,
            value=value,
            n_real=len(self.real),
            n_fake=len(self.fake),
            spread=spread,
            spread_of="" if spread is None else f"standard deviation over {RESAMPLINGS} resamplings of {drawn}",
            floor=floor,
            floor_spread=spread_of(floor_draws),
            lower_is_better=False,
            meaning=meaning,
            extractor=self.extractor,
            resizer=self.resizer,
            dataset=self.dataset,
            warnings=tuple(warnings),
        )

    def hardly_recognised(self, name: str, value: float, remedy: str) -> list[str]:
        """A warning where the classes of real images can't be told apart, or none."""
        if value >= MIN_KAPPA:
            return []
        return [
            f"the classifier itself hardly recognises the label of held-out real images ({name} {value:.2f}, below "
            f"{MIN_KAPPA}): the classes can't be identified on these images at {self.resolution} px, so this score "
            f"says nothing about the generator. {remedy}"
        ]


def sides(
    kind: str,
    extractor: ExtractorSpec,
    groups: Groups | None,
    real: LabelledImages,
    fake: LabelledImages,
    context: EvaluationContext,
) -> Sides:
    """The three sides, for the evaluator `kind`. Raises DataError where no classifier can be trained and tested."""
    train = _training_images(kind, real, fake, context)
    classes = chosen_classes(real.card.classes, groups)
    for what, images in (("training", train), ("held-out real", real), ("generated", fake)):
        present = np.unique(classes.of_label[images.labels])
        if len(present) < 2:
            found = f"all are '{classes.names[present[0]]}'" if len(present) else "there are none"
            raise DataError(f"{kind} needs {what} images of two classes at least; {found}.")
    of_train = context.features(extractor, train, "training images")
    of_real = context.features(extractor, real, "real images")
    of_fake = context.features(extractor, fake, "generated images")

    def side(features: FeatureSet) -> Side:
        labels = classes.of_label[features.labels]
        values = (features.extractor, features.extractor_sha256, features.resizer, features.sha256)
        return Side(features.values, labels, features.groups, (*values, labels.tobytes(), features.groups))

    return Sides(
        side(of_train),
        side(of_real),
        side(of_fake),
        classes,
        f"linear probe on {of_real.extractor}" + (f", classes {classes.merged}" if classes.merged else ""),
        f"{of_real.extractor.partition('@')[0]}, sha256 {of_real.extractor_sha256}",
        of_real.resizer,
        real.card.name,
        real.images.shape[-1],
        context,
    )


def _training_images(
    kind: str, real: LabelledImages, fake: LabelledImages, context: EvaluationContext
) -> LabelledImages:
    """What the generator was trained on: the same classes, other patients than `real`."""
    if not context.is_conditional:
        raise DataError(f"{kind} has nothing to measure: the generator takes no label.")
    train = context.train
    if train is None or not len(train):
        raise DataError(
            f"{kind} trains a classifier on the images that the generator was trained on and tests it on images held "
            f"out from them. A run has both if `split.held_out` is above 0; for a folder, name them with --train."
        )
    named = {"training": train, "held-out real": real, "generated": fake}
    if len({images.card.classes for images in named.values()}) > 1:
        found = "; ".join(f"{what} images have {', '.join(images.card.classes)}" for what, images in named.items())
        raise DataError(f"{kind} needs images of the same classes: {found}.")
    common = sorted(set(train.groups) & set(real.groups))
    if common:
        raise DataError(
            f"{kind} would test a classifier on patients that it was trained on: {len(common)} of the groups of the "
            f"held-out images, such as '{common[0]}', are also among the training images."
        )
    return train
