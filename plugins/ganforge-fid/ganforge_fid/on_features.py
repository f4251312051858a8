"""The base of evaluators that see images as features, of whichever extractor a recipe names."""

from __future__ import annotations

from typing import Annotated, ClassVar

from ganforge.interfaces import EvaluatorSpec, ExtractorSpec
from ganforge.registry import Lookup
from ganforge_fid.efficientnet import EfficientNetLite0Spec


class OnFeatures(EvaluatorSpec):
    """An evaluator with an extractor, which takes the images in batches; the default one needs no download."""

    in_batches: ClassVar[bool] = True
    extractor: Annotated[ExtractorSpec, Lookup("extractor")] = EfficientNetLite0Spec()

    def preflight(self) -> None:
        self.extractor.preflight()
