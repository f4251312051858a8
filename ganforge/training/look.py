"""What a discriminator's pretrained network sees, as inputs of the discriminator beside the image."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganforge.networks.staged import Discriminator


class Look:
    """The pretrained features of a batch of images; none for a discriminator without them.

    The pretrained network is fixed, so that a penalty on the discriminator's slope is one on its slope by the image
    and by the features, and the network itself is differentiated once, for the generator.
    """

    def __init__(self, discriminator: Discriminator, images: Tensor, *, learns: bool) -> None:
        """learns: whether a generator learns from what is seen."""
        self._images = images.detach().requires_grad_(learns)
        with torch.set_grad_enabled(learns):
            self._features = discriminator.see(self._images)
        #: The features as leaves, by site.
        self.given = {site: features.detach().requires_grad_() for site, features in self._features.items()}

    def with_features(self, direct: Tensor, by_given: Sequence[Tensor]) -> Tensor:
        """(N, 3, H, W), a gradient by the images that reach the discriminator directly and by way of the features.

        by_given: the gradients by `given`, in its order.
        """
        if not self.given:
            return direct
        (found,) = torch.autograd.grad(list(self._features.values()), self._images, list(by_given))
        return direct + found
