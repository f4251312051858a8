"""The evaluator `prdc`: precision, recall, density and coverage at equal n."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ganforge.data.images import LabelledImages
from ganforge.errors import DataError
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import ExtractorSpec
from ganforge_fid import literature
from ganforge_fid.comparison import Drawn
from ganforge_fid.manifolds import precision_recall_density_coverage
from ganforge_fid.on_features import OnFeatures
from ganforge_fid.scoring import MIN_PER_CLASS, score

#: Neighbours as Naeem et al. 2020 chose them: two samples of one distribution then have a coverage of 0.97.
NEIGHBOURS = 5


class PRDC(OnFeatures):
    """Precision, recall, density and coverage, also per class: which images are missing or wrong, not how far off.

    All are near their real-vs-real value for a generator without fault. They depend on n, on the features and on the
    number of neighbours: compare at the same of each.
    """

    kind: Literal["prdc"] = "prdc"
    papers: ClassVar[tuple[str, ...]] = (literature.PRECISION_RECALL, literature.DENSITY_COVERAGE)
    #: An image's neighbourhood reaches to this one of its neighbours.
    neighbours: Annotated[int, Field(ge=1, le=1000)] = NEIGHBOURS

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        """Four scores of all images, then four of each class that has eight times as many images as neighbours."""
        return score(_Manifolds(self.neighbours), self.extractor, real, fake, context)


@dataclass(frozen=True)
class _Manifolds:
    neighbours: int
    name = "prdc"
    lower_is_better = False

    @property
    def setting(self) -> str:
        return "" if self.neighbours == NEIGHBOURS else f"neighbours {self.neighbours}"

    @property
    def least_per_class(self) -> int:
        # half of the real images are compared: n is then four times `neighbours`, where coverage still tells sets apart
        return max(MIN_PER_CLASS, 8 * self.neighbours)

    def values(self, real: Drawn, fake: Drawn) -> dict[str, float]:
        if len(real.values) <= self.neighbours:
            raise DataError(
                f"prdc with neighbours: {self.neighbours} needs more than {self.neighbours} images on either side; "
                f"generated images and half of the real ones, by patient, leave {len(real.values)}."
            )
        return precision_recall_density_coverage(real.values, fake.values, self.neighbours)

    def caveats(self, extractor: ExtractorSpec, features: str, n: int) -> list[str]:
        return [
            f"depends on n, on the features and on the neighbours, here {self.neighbours}: compare where all three are "
            f"the same, next to the real-vs-real value. Published values have others."
        ]
