"""A gradient penalty on the discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.interfaces import RegulariserSpec
from pydantic import PositiveFloat, PositiveInt

if TYPE_CHECKING:
    from torch import Tensor


class SoftSlope(RegulariserSpec):
    """gamma * (sqrt(1 + slope^2) - 1) on real images: as R1 where the slope is small, milder where it is large."""

    kind: Literal["mylab_soft_slope"] = "mylab_soft_slope"
    gamma: PositiveFloat
    #: Computed every so many steps and multiplied by that; null: as `training.step` decides.
    every: PositiveInt | None = None
    on: ClassVar[Literal["real", "fake"]] = "real"

    def penalty(self, gradient: Tensor) -> Tensor:
        """gradient: (N, 3, H, W) or (N, D) -> (N,)."""
        squared = gradient.flatten(1).float().square().sum(dim=1)
        return self.gamma * ((1 + squared).sqrt() - 1)
