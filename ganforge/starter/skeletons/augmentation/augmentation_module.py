"""What the augmentation computes. N batch, H W pixels."""

from __future__ import annotations

from ganforge.augmentation.base import Augmentation
from ganforge.randomness import Draws
from torch import Tensor


class GrainModule(Augmentation):
    """images: (N, 3, H, W) -> the same shape. `draws` is the only source of randomness."""

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        return images + self.strength * draws.normal(*images.shape[1:]).to(images.dtype)
