"""How often each class is drawn during training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from ganforge import literature
from ganforge.errors import PluginError
from ganforge.interfaces import SamplerSpec

#: How far from 1 probabilities may sum, such as those of a sampler that computes in float32.
TOLERANCE = 1e-6

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Natural(SamplerSpec):
    """Every image equally likely each time: classes come as unbalanced as they are."""

    kind: Literal["natural"] = "natural"

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """1 / N for each of N images. Raises ValueError without images or for a label out of range."""
        return _normalised(labels, num_classes, lambda label, count: 1.0)


class Epochs(SamplerSpec):
    """Every image once in each epoch, in an order of its own: classes come as unbalanced as they are."""

    kind: Literal["epochs"] = "epochs"
    by_epoch: ClassVar[bool] = True

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """1 / N for each of N images. Raises ValueError without images or for a label out of range."""
        return _normalised(labels, num_classes, lambda label, count: 1.0)


class Balanced(SamplerSpec):
    """Every class equally often, of those that have images."""

    kind: Literal["balanced"] = "balanced"

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """The same total for each class. Raises ValueError without images or for a label out of range."""
        return _normalised(labels, num_classes, lambda label, count: 1 / count)


class SquareRoot(SamplerSpec):
    """Between natural and balanced: a class is drawn in proportion to the square root of its number of images."""

    kind: Literal["square_root"] = "square_root"

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """Totals in proportion to sqrt(count). Raises ValueError without images or for a label out of range."""
        return _normalised(labels, num_classes, lambda label, count: 1 / math.sqrt(count))


class ClassWeights(SamplerSpec):
    """A weight for each image of a class: Nian & Jin 2024 use [0.1, 1, 0.5, 3, 4] for grades 0 to 4."""

    # In recipes the field is `weights`, whose name the method has in Python.
    model_config = ConfigDict(serialize_by_alias=True)

    kind: Literal["class_weights"] = "class_weights"
    papers: ClassVar[tuple[str, ...]] = (literature.RETINAS,)
    #: Weight of one image of each class, so that a class is drawn in proportion to weight x number of images.
    per_image: tuple[Weight, ...] = Field(min_length=1, alias="weights")

    def weights(self, labels: Sequence[int], num_classes: int) -> list[float]:
        """The weights, scaled to sum to 1. Raises ValueError unless there is one per class, and one that is drawn."""
        if len(self.per_image) != num_classes:
            raise ValueError(
                f"class_weights has {len(self.per_image)} weights, but the data has {num_classes} classes."
            )
        return _normalised(labels, num_classes, lambda label, count: self.per_image[label])


def _normalised(labels: Sequence[int], num_classes: int, weight: Callable[[int, int], float]) -> list[float]:
    """`weight(label, count of the label)` of each image, divided by the sum of all."""
    counts = Counter(int(label) for label in labels)
    if not counts:
        raise ValueError("there are no images to draw from.")
    outside = sorted(label for label in counts if not 0 <= label < num_classes)
    if outside:
        raise ValueError(f"label {outside[0]} is none of the {num_classes} classes (0 to {num_classes - 1}).")
    of_class = {label: weight(label, count) for label, count in counts.items()}
    # a power of two changes no quotient, and three weights of 1e308 have a sum
    _, exponent = math.frexp(max(of_class.values()))
    of_class = {label: math.ldexp(value, -exponent) for label, value in of_class.items()}
    total = sum(of_class[label] * count for label, count in counts.items())
    if total == 0:
        raise ValueError("every image has weight 0, so that none can be drawn.")
    return [of_class[int(label)] / total for label in labels]


def image_probabilities(sampler: SamplerSpec, labels: Sequence[int], num_classes: int) -> list[float]:
    """The probability of each image by the sampler, looked over.

    Raises PluginError with what is wrong with them, and ValueError as the sampler does.
    """
    given = sampler.weights(labels, num_classes)
    if fault := fault_of(given, len(labels), by_epoch=sampler.by_epoch):
        raise PluginError(f"sampler '{sampler.kind}' {fault}")
    return [float(weight) for weight in given]


def fault_of(given: Any, num_images: int, *, by_epoch: bool) -> str:
    """Why what a sampler gave are no probabilities of so many images; nothing where they are."""
    try:
        weights = [float(weight) for weight in given]
    except (TypeError, ValueError):
        return f"gives {str(given)[:60]}, not a list of numbers."
    if len(weights) != num_images:
        return f"gives {len(weights)} probabilities for {num_images} images."
    bad = [weight for weight in weights if not (math.isfinite(weight) and weight >= 0)]
    if bad:
        return f"gives {bad[0]}, which is no probability."
    if abs(math.fsum(weights) - 1) > TOLERANCE:
        return f"gives probabilities that sum to {math.fsum(weights):.6g}, not to 1."
    if by_epoch and len(set(weights)) > 1:
        return "draws each image once in each epoch, but says that some are drawn more often than others."
    return ""


SAMPLERS: list[type[SamplerSpec]] = [Natural, Epochs, Balanced, SquareRoot, ClassWeights]
