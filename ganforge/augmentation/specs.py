"""Augmentations as recipes name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt

from ganforge import literature
from ganforge.interfaces import AugmentationSpec

if TYPE_CHECKING:
    from ganforge.augmentation.base import Augmentation

Share = Annotated[float, Field(ge=0, le=1)]


class Flip(AugmentationSpec):
    """Mirrors each real image with probability 1/2: as many images again, for the generator to imitate."""

    kind: Literal["flip"] = "flip"
    axis: Literal["horizontal", "vertical"] = "horizontal"

    def build(self) -> Augmentation:
        from ganforge.augmentation.simple import Flip as Module

        return Module(self.axis)


class DiffAugment(AugmentationSpec):
    """Random colour, translation and cutout of every image (Zhao et al. 2020, "Differentiable augmentation")."""

    kind: Literal["diff_augment"] = "diff_augment"
    papers: ClassVar[tuple[str, ...]] = (literature.DIFF_AUGMENT,)
    #: Brightness, saturation and contrast.
    colour: bool = True
    #: Largest shift as a share of the side; 0: none.
    translation: Share = 0.125
    #: Side of the grey square as a share of the side; 0: none.
    cutout: Share = 0.5

    def build(self) -> Augmentation:
        from ganforge.augmentation.simple import DiffAugment as Module

        return Module(self.colour, self.translation, self.cutout)


class ADA(AugmentationSpec):
    """Geometry and colour with a probability that adapts to overfitting (Karras et al. 2020, "ADA")."""

    kind: Literal["ada"] = "ada"
    papers: ClassVar[tuple[str, ...]] = (literature.ADA,)
    #: Wanted mean sign of the discriminator's logits on real images.
    target: Annotated[float, Field(gt=-1, lt=1)] = 0.6
    #: Images after which the probability could have gone from 0 to 1.
    adjust_images: PositiveInt = 100_000
    initial: Share = 0.0
    #: Rotations by right angles and by any angle; off where a picture has an upright.
    rotations: bool = True
    colour: bool = True

    def build(self) -> Augmentation:
        from ganforge.augmentation.ada import AdaptiveAugment

        return AdaptiveAugment(self.target, self.adjust_images, self.initial, self.rotations, self.colour)


AUGMENTATIONS: list[type[AugmentationSpec]] = [Flip, DiffAugment, ADA]
