"""The Inception network of the FID, from a file on the user's machine. No other network goes under that name."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ganforge.errors import CheckpointError
from ganforge_fid.extractors import clean_resizer
from ganforge_fid.files import read_state_dict, read_weights

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class PublishedFile:
    """One form in which the network of 2015-12-05 is published."""

    name: str
    url: str
    form: Literal["torchscript", "state dict"]


#: sha256 -> file. clean-fid uses the first in its mode "clean", and the second, from pytorch-fid, in its legacy mode.
PUBLISHED = {
    "f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4": PublishedFile(
        "inception-2015-12-05.pt",
        "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
        "torchscript",
    ),
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2": PublishedFile(
        "pt_inception-2015-12-05-6726825d.pth",
        "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
        "state dict",
    ),
}


def how_to_get_weights() -> str:
    """Where the files are, in one sentence, and what is never done without them."""
    files = " or ".join(f"{file.name} ({file.url}, sha256 {sha256})" for sha256, file in PUBLISHED.items())
    return (
        f"Download {files} and give its path as `weights`. Nothing else is reported under the names fid and kid; "
        f"`fd` and `kd` need no download."
    )


class Inception:
    """The 2048 features of Inception 2015-12-05 (last average pooling), as clean-fid's mode "clean" computes them.

    Raises CheckpointError where the file can't be read or is none of the published ones.
    """

    name = "inception-2015-12-05"
    dim = 2048

    def __init__(self, weights: Path) -> None:
        try:
            content, self.sha256 = read_weights(weights)
        except CheckpointError as error:
            raise CheckpointError(f"{error} {how_to_get_weights()}") from error
        if self.sha256 not in PUBLISHED:
            raise CheckpointError(
                f"{weights} is not the Inception network of the FID: its sha256 is {self.sha256}. "
                f"{how_to_get_weights()}"
            )
        self._network = _NETWORKS[PUBLISHED[self.sha256].form](content)
        self._resize, self.resizer = clean_resizer(299)

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        # 128: the scaling of the original network, also where pytorch-fid uses 127.5.
        scaled = (self._resize(images) - np.float32(128)) / np.float32(128)
        with torch.inference_mode():
            features: Tensor = self._network(torch.from_numpy(scaled))
        return features.reshape(len(images), self.dim).numpy()


def _from_torchscript(content: bytes) -> nn.Module:
    import torch

    # The hash was checked before: TorchScript is a program.
    network: nn.Module = torch.jit.load(io.BytesIO(content), map_location="cpu").eval().layers
    return network


def _from_state_dict(content: bytes) -> nn.Module:
    network = network_of_the_fid()
    network.load_state_dict(read_state_dict(content))
    network.fc = _identity()
    return network.eval()


_NETWORKS = {"torchscript": _from_torchscript, "state dict": _from_state_dict}


def network_of_the_fid() -> nn.Module:
    """The network of clean-fid's legacy mode with fresh weights: (N, 3, 299, 299) in [-1, 1] -> 1008 logits.

    It is torchvision's Inception v3 with other pooling in nine blocks; clean-fid's own constructor always downloads.
    """
    from cleanfid import inception_pytorch as blocks
    from torchvision.models import inception_v3

    network: nn.Module = inception_v3(
        weights=None, num_classes=1008, aux_logits=False, transform_input=False, init_weights=False
    )
    for key, in_channels, pool_features in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        setattr(network, f"Mixed_{key}", blocks.FIDInceptionA(in_channels, pool_features=pool_features))
    for key, channels in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(network, f"Mixed_{key}", blocks.FIDInceptionC(768, channels_7x7=channels))
    network.Mixed_7b = blocks.FIDInceptionE_1(1280)
    network.Mixed_7c = blocks.FIDInceptionE_2(2048)
    return network


def _identity() -> nn.Module:
    from torch.nn import Identity

    return Identity()
