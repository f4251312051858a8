"""What an augmentation is to the training step."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor, nn

from ganforge.randomness import Draws


class Augmentation(nn.Module):
    """A differentiable random change of images; its buffers go into checkpoints."""

    #: Real images alone are changed, into what is as real as they are. Fakes as well, and a generator whose images all
    #: look one way would not be found out.
    reals_only: ClassVar[bool] = False

    @abstractmethod
    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        """images: (N, 3, H, W) in about [-1, 1] -> the same shape. `draws` is the only source of randomness."""

    def observe(self, real_logits: Tensor) -> None:
        """Called after each step with the logits of the real images, (N,); for those that adapt."""
