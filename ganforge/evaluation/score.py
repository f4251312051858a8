"""One number about generated images, with all that a reader needs in order to believe it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganforge.evaluation.features import FeatureSet
from ganforge.evaluation.store import FeatureStore
from ganforge.progress import Progress, no_progress

if TYPE_CHECKING:
    from ganforge.data.images import LabelledImages
    from ganforge.interfaces import ExtractorSpec

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

    def features(self, extractor: ExtractorSpec, images: LabelledImages, what: str) -> FeatureSet:
        """The features of the images, computed once in an evaluation, whichever evaluators ask for them.

        what: "real images", "generated images" or "training images"; the progress bar shows it. All but those of
        generated images are also kept in the cache. Raises GanforgeError where the extractor can't be built.
        """
        return self.store.features(extractor, images, what, self.cache, self.progress)


@dataclass(frozen=True)
class Score:
    """A value with its sample sizes, spread, extractor and warnings."""

    #: Name with everything that changes the value: `kd[efficientnet-lite0@1a2b3c4d]`.
    name: str
    value: float
    n_real: int
    n_fake: int
    #: Standard deviation; `spread_of` says over what.
    spread: float | None = None
    spread_of: str = ""
    #: Name of the class that the score is about; None for all.
    of_class: str | None = None
    #: The same measure between two disjoint halves of real images, at the same n.
    floor: float | None = None
    lower_is_better: bool = True
    matrix: Matrix | None = None
    #: Names of the rows and columns of `matrix`.
    classes: tuple[str, ...] = ()
    extractor: str = ""
    resizer: str = ""
    dataset: str = ""
    warnings: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        """One line that can be cited."""
        text = f"{self.name} {self.value:.4g}"
        if self.spread is not None:
            text += f" +- {self.spread:.2g} ({self.spread_of})"
        text += f", n = {self.n_fake} generated against {self.n_real} real"
        if self.of_class is not None:
            text += f", class {self.of_class}"
        if self.floor is not None:
            text += f", real-vs-real floor {self.floor:.4g}"
        if self.dataset:
            text += f", {self.dataset}"
        return text

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
