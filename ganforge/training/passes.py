"""What the discriminator's passes over the parts of a batch found, put together."""

# N batch, n part of it, C=3 channels, H W pixels, h w after pooling

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from ganforge.training.routes import Judgement

#: Images are compared over a batch by means over so many parts a side: that many numbers go to the other processes.
POOLED_SIDE = 8


@dataclass(frozen=True)
class Passes:
    """What a step's passes found, part by part of the batch."""

    on_fake: list[Judgement] = field(default_factory=list)
    #: Of real images and, where the recipe asks for it, of real images with a wrong label.
    on_real: list[list[Judgement]] = field(default_factory=list)
    #: (n, 3, h, w), `pooled`.
    generated: list[Tensor] = field(default_factory=list)

    def joined(self, instead: list[Judgement] | None) -> list[Judgement]:
        """Of fakes, reals and wrong labels, as of the whole batch. instead: of what was not judged on the reals."""
        reals = [_join(found) for found in zip(*self.on_real, strict=True)] if instead is None else instead
        return [_join(self.on_fake), *reals]


def _join(judged: Sequence[Judgement]) -> Judgement:
    """What was found of the parts of a batch, as of the whole."""
    penalties = [each.penalty for each in judged if each.penalty is not None]
    return Judgement(
        torch.cat([each.logits for each in judged]), torch.stack(penalties).sum() if penalties else None, None
    )


def pooled(images: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, 3, h, w), means over parts of the images, of which there are at most 8 x 8."""
    height, width = images.shape[2:]
    return functional.adaptive_avg_pool2d(images, (min(height, POOLED_SIDE), min(width, POOLED_SIDE)))


def spread(images: Tensor) -> Tensor:
    """Standard deviation over a batch (N, 3, h, w) of pooled images, the mean over channels and pixels."""
    return images.float().std(dim=0, correction=0).mean()
