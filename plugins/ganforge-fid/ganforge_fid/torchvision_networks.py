"""ImageNet networks of torchvision, with weights from a file on the user's machine."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ganforge.interfaces import ExtractorSpec
from ganforge_fid import literature
from ganforge_fid.files import load_whole, read_state_dict
from ganforge_fid.network import IMAGENET, NetworkExtractor

#: Network -> its last linear layer, and the number of features that this layer takes.
HEADS = {
    "resnet18": ("fc", 512),
    "resnet50": ("fc", 2048),
    "vgg16": ("classifier.6", 4096),
    "convnext_tiny": ("classifier.2", 768),
    "efficientnet_b0": ("classifier.1", 1280),
    "swin_t": ("head", 768),
    "vit_b_16": ("heads.head", 768),
}
#: Side at which all of them were evaluated by torchvision. Images are resized to it as they are: no crop.
SIDE = 224


class TorchvisionSpec(ExtractorSpec):
    """What an ImageNet network of torchvision (ResNet, VGG, ConvNeXt, Swin, ViT) gives to its last linear layer."""

    kind: Literal["torchvision"] = "torchvision"
    papers: ClassVar[tuple[str, ...]] = (literature.CLEAN,)
    network: Literal["resnet18", "resnet50", "vgg16", "convnext_tiny", "efficientnet_b0", "swin_t", "vit_b_16"]
    #: State dict of that network, as torchvision publishes it; relative paths start at the working directory.
    weights: Path

    def preflight(self) -> None:
        self.build("cpu")

    def build(self, device: str) -> NetworkExtractor:
        """Raises CheckpointError where the file can't be read or holds another network."""
        from torch.nn import Identity
        from torchvision.models import get_model, get_model_weights

        url = get_model_weights(self.network)["IMAGENET1K_V1"].url
        advice = f"Download {url}, or another state dict of this network, and give its path as `weights`."
        tensors, sha256 = read_state_dict(self.weights, advice)
        network = get_model(self.network, weights=None)
        load_whole(network, tensors, self.weights, f"torchvision's {self.network}")
        head, dim = HEADS[self.network]
        network.set_submodule(head, Identity())
        return NetworkExtractor(self.network, sha256, dim, SIDE, IMAGENET, network, device)
