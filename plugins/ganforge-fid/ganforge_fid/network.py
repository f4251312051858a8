"""A torch network between a resizer and an array of features: what every extractor of this package is."""

# N images, H W pixels, D features

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ganforge_fid.resizing import clean_resizer

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Scaling:
    """Pixels in [0, 255] become (pixel - mean) / spread; one number, or one for each channel."""

    mean: float | tuple[float, float, float]
    spread: float | tuple[float, float, float]


#: Mean and standard deviation of ImageNet's pixels, with which torchvision's and DINOv2's networks were trained.
IMAGENET = Scaling((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))


class NetworkExtractor:
    """The features of a network in float32.

    features: (N, 3, side, side) -> N x D numbers, computed by `network` or by its parts. The network is put into
    evaluation mode and moved to the device.
    """

    def __init__(
        self,
        name: str,
        sha256: str,
        dim: int,
        side: int,
        scaling: Scaling,
        network: nn.Module,
        device: str,
        features: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        import torch

        self.name, self.sha256, self.dim = name, sha256, dim
        self.device = torch.device(device)
        self.network = network.eval().to(self.device)
        self._features = features or self.network
        self._resize, self.resizer = clean_resizer(side)
        self._mean, self._spread = (
            np.array(values, dtype=np.float32).reshape(-1, 1, 1) for values in (scaling.mean, scaling.spread)
        )

    def prepare(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network sees: (N, 3, side, side)."""
        return (self._resize(images) - self._mean) / self._spread

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        from ganforge.hardware import round_products

        # TF32 would give other distances on a GPU than on the CPU
        round_products(self.device, allowed=False)
        with torch.inference_mode():
            features = self._features(torch.from_numpy(self.prepare(images)).to(self.device))
        return features.reshape(len(images), self.dim).cpu().numpy()
