"""One number about generated images, with all that a reader needs in order to believe it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ganforge.evaluation.features import FeatureSet
from ganforge.evaluation.store import FeatureStore
from ganforge.progress import Progress, no_progress

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages
    from ganforge.interfaces import ExtractorSpec

T = TypeVar("T")

#: One row per class that was asked for, one column per class that was recognised.
Matrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class EvaluationContext:
    """What an evaluator may use."""

    cache: Path
    seed: int
    #: Whether the generator was asked for the labels of the fakes; scores by class mean something only then.
    is_conditional: bool = True
    progress: Progress = no_progress
    #: What the generator was trained on, if that is known; has no group (patient) in common with the real images.
    train: LabelledImages | None = None
    #: Shared by all evaluators that get this context.
    store: FeatureStore = field(default_factory=FeatureStore, repr=False, compare=False)

    @property
    def device(self) -> str:
        """Where networks are to compute: `cpu`, `cuda:0`."""
        return self.store.device

    def features(self, extractor: ExtractorSpec, images: LabelledImages, what: str) -> FeatureSet:
        """The features of the images, computed once in an evaluation, whichever evaluators ask for them.

        what: "real images", "generated images" or "training images"; the progress bar shows it. All but those of
        generated images are also kept in the cache. Raises GanforgeError where the extractor can't be built.
        """
        return self.store.features(extractor, images, what, self.cache, self.progress)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once in an evaluation and kept for its other sets of generated images.

        key: all that it depends on; of images `FeatureSet.sha256`, which their order is no part of.
        """
        return self.store.once(key, make)


@dataclass(frozen=True)
class Score:
    """A value with its sample sizes, spread, extractor and warnings.

    An evaluator fills in what it knows; the real images' name, split and fingerprint, and the spread over generator
    seeds, are added for it.
    """

    #: Name with everything that changes the value: `kd[efficientnet-lite0@1a2b3c4d]`.
    name: str
    value: float
    n_real: int
    n_fake: int
    #: Standard deviation over draws of the images that were given; `spread_of` says which draws.
    spread: float | None = None
    spread_of: str = ""
    #: Name of the class that the score is about; None for all.
    of_class: str | None = None
    #: The same measure on real images, at the same n: what a perfect generator would get.
    floor: float | None = None
    #: Standard deviation of the floor over draws of the real images, where it has one.
    floor_spread: float | None = None
    lower_is_better: bool = True
    #: The value that is right, where neither lower nor higher is better by itself.
    target: float | None = None
    #: What it says, in one sentence for readers who don't know it; pages and cards show it once.
    meaning: str = ""
    matrix: Matrix | None = None
    #: Names of the rows and columns of `matrix`.
    classes: tuple[str, ...] = ()
    extractor: str = ""
    resizer: str = ""
    #: Name of the real images' set, which of them were compared with, and the sha256 over the set.
    dataset: str = ""
    split: str = ""
    fingerprint: str = ""
    #: Generator seeds over which the value is the mean, and the standard deviation over them.
    num_seeds: int = 1
    seed_spread: float | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def ratio(self) -> float | None:
        """Value over floor; None where the floor is not clearly above 0, as that of an unbiased distance."""
        if self.floor is None or self.floor <= 0 or (self.spread is not None and self.floor <= self.spread):
            return None
        ratio = self.value / self.floor
        return ratio if math.isfinite(ratio) else None

    @property
    def better(self) -> str:
        """`lower`, `higher`, or `near 1`: which values are better ones."""
        if self.target is not None:
            return f"near {self.target:g}"
        return "lower" if self.lower_is_better else "higher"

    @property
    def of_real(self) -> str:
        """What the value on real images is called: a `floor` where lower is better, a `ceiling` where higher is."""
        return {"lower": "floor", "higher": "ceiling"}.get(self.better, "value")

    @property
    def distance(self) -> float:
        """How far the value is from what is right, up to a constant: less is better, whatever the score."""
        if self.target is not None:
            return abs(self.value - self.target)
        return self.value if self.lower_is_better else -self.value

    def __str__(self) -> str:
        """One line that can be cited."""
        text = f"{self.name} {self.value:.4g}"
        if self.seed_spread is not None:
            text += f" +- {self.seed_spread:.2g} (standard deviation over {self.num_seeds} generator seeds)"
        if self.spread is not None:
            text += f" +- {self.spread:.2g} ({self.spread_of})"
        text += f", n = {self.n_fake} generated against {self.n_real} real"
        if self.of_class is not None:
            text += f", class {self.of_class}"
        if self.floor is not None:
            text += f", real-vs-real {self.of_real} {self.floor:.4g}"
            if self.floor_spread is not None:
                text += f" +- {self.floor_spread:.2g}"
        if self.ratio is not None:
            text += f" (x {self.ratio:.3g})"
        if self.target is not None:
            text += f", {self.better} is right"
        if self.resizer not in ("", "none"):
            text += f", {self.resizer}"
        if self.dataset:
            text += f", {self.dataset}"
            if self.fingerprint:
                text += f"@{self.fingerprint[:8]}"
        if self.split:
            text += f", {self.split}"
        return text

    def as_dict(self) -> dict[str, Any]:
        """All fields, and `text`, the line that can be cited."""
        return {**asdict(self), "ratio": self.ratio, "better": self.better, "text": str(self)}
