"""Features of a fixed, pretrained network, seen by a discriminator at its sites.

Sauer, Chitta, Mueller & Geiger 2021, "Projected GANs converge faster", build discriminators on pretrained networks;
Kumari, Zhang, Shechtman & Zhu 2022, "Ensembling off-the-shelf models for GAN training", add such discriminators to a
GAN's own. Here the features enter the one discriminator, at any depth, as additional input channels whose weights
are zero at first: a pretrained discriminator computes at step 0 what it computed before.
"""

# N batch, C channels, H W pixels

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


class PretrainedFeatures:
    """images: (N, 3, H, W) in [-1, 1] -> features (N, C, H', W') by site.

    No module: the network has no part in parameters, freeze rules and checkpoints. It is built at first use.
    """

    def __init__(self, build: Callable[[], nn.Module], levels: Mapping[int, int]) -> None:
        """levels: site -> which of the network's outputs stands there."""
        self._build = build
        self._levels = dict(levels)
        self._network: nn.Module | None = None

    def __call__(self, images: Tensor) -> dict[int, Tensor]:
        if self._network is None:
            with torch.inference_mode(mode=False):
                self._network = self._build().eval().requires_grad_(False)
        if not _is_as(self._network, images):
            self._network.to(images.device, images.dtype)
        outputs = self._network(images)
        return {site: outputs[level] for site, level in self._levels.items()}


def _is_as(network: nn.Module, images: Tensor) -> bool:
    """Whether the network's numbers are where the images are, and in their format."""
    values = [*network.parameters(), *network.buffers()]
    return all(value.device == images.device for value in values) and all(
        value.dtype == images.dtype for value in values if value.is_floating_point()
    )
