"""What an augmentation is to the training step."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from ganforge.randomness import Draws


class Augmentation(nn.Module):
    """A differentiable random change of images; its buffers go into checkpoints."""

    @abstractmethod
    def forward(self, images: Tensor, draws: Draws) -> Tensor:
        """images: (N, 3, H, W) in about [-1, 1] -> the same shape. `draws` is the only source of randomness."""

    def observe(self, real_logits: Tensor) -> None:
        """Called after each step with the logits of the real images, (N,); for those that adapt."""
