"""What generator and discriminator minimise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import LossSpec

if TYPE_CHECKING:
    from torch import Tensor


class SquaredHinge(LossSpec):
    """The hinge loss with a squared margin: logits beyond it cost nothing. Each function: (N,) -> (N,)."""

    kind: Literal["mylab_squared_hinge"] = "mylab_squared_hinge"

    def generator(self, fake: Tensor) -> Tensor:
        return -fake

    def discriminator_real(self, real: Tensor) -> Tensor:
        return (1 - real).relu().square()

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        return (1 + fake).relu().square()
