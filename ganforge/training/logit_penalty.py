"""What a penalty on logits is to the training step, and the one of LeCam."""

# N batch

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn


class LogitPenalty(nn.Module):
    """What the discriminator minimises by its logits besides the loss; its buffers go into checkpoints."""

    @abstractmethod
    def real(self, logits: Tensor) -> Tensor:
        """(N,) from the logits of real images, (N,), each treated alone; added to the loss on them."""

    @abstractmethod
    def fake(self, logits: Tensor) -> Tensor:
        """(N,) from the logits of generated images, (N,), each treated alone; added to the loss on them.

        Also from those of real images with a wrong label, which count as generated (`training.wrong_labels`).
        """

    def observe(self, real: Tensor, fake: Tensor) -> None:
        """Called after each step with all its logits, (N,) each and without a graph; for those that follow them.

        Those of real images with a wrong label are not among them.
        """


class LeCam(LogitPenalty):
    """Pulls the logits of either kind of image towards what those of the other kind have been: `anchors`.

    weight * relu(D(real) - mean D(fake))^2 and weight * relu(mean D(real) - D(fake))^2, with moving averages of the
    means of the steps before; 0 until there are any.
    Source: Tseng, Jiang, Liu, Yang & Yang 2021, "Regularizing generative adversarial networks under limited data",
    section 4; relu, as in the released code, leaves logits alone that are beyond the other anchor already.
    """

    anchors: Tensor
    has_anchors: Tensor

    def __init__(self, weight: float, decay: float) -> None:
        super().__init__()
        self.weight, self.decay = weight, decay
        #: Moving averages of the logits of real and of generated images.
        self.register_buffer("anchors", torch.zeros(2))
        self.register_buffer("has_anchors", torch.tensor(0.0))

    def real(self, logits: Tensor) -> Tensor:
        return self._of(logits - self.anchors[1])

    def fake(self, logits: Tensor) -> Tensor:
        return self._of(self.anchors[0] - logits)

    def _of(self, lead: Tensor) -> Tensor:
        return self.weight * self.has_anchors * lead.relu().square()

    def observe(self, real: Tensor, fake: Tensor) -> None:
        """Follow the means of a step; the first ones are taken as they are."""
        means = torch.stack([real.mean(), fake.mean()])
        self.anchors.lerp_(means.to(self.anchors), 1 - self.decay * self.has_anchors)
        self.has_anchors.fill_(1)
