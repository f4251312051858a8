"""A differentiable change of the images that the discriminator sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from ganforge.interfaces import AugmentationSpec
from pydantic import Field

if TYPE_CHECKING:
    from ganforge.augmentation.base import Augmentation


class Grain(AugmentationSpec):
    """Noise in every pixel, of real and generated images alike."""

    kind: Literal["mylab_grain"] = "mylab_grain"
    #: Standard deviation; images are in [-1, 1].
    strength: Annotated[float, Field(gt=0, le=1)] = 0.1

    def build(self) -> Augmentation:
        from mylab_plugin.augmentation_module import GrainModule

        return GrainModule(self.strength)
