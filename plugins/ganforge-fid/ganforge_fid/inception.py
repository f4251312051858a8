"""The Inception network of the FID, from one of the files in which it is published. No other goes under that name."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator

from ganforge.errors import CheckpointError, DownloadError
from ganforge.interfaces import ExtractorSpec
from ganforge_fid import literature
from ganforge_fid.files import load_whole, read_weights
from ganforge_fid.network import NetworkExtractor, Scaling

if TYPE_CHECKING:
    from torch import nn

#: What scores call it.
NAME = "inception-2015-12-05"
#: The scaling of the original network, also where pytorch-fid uses 127.5.
SCALING = Scaling(128, 128)


@dataclass(frozen=True)
class PublishedFile:
    """One form in which the network of 2015-12-05 is published."""

    name: str
    url: str
    form: Literal["torchscript", "state dict"]


#: sha256 -> file. clean-fid uses the first in its mode "clean", and the second, from pytorch-fid, in its legacy mode.
#: The first is the one that `weights: download` fetches.
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

#: Path of one of the published files, or "download"; relative paths start at the working directory.
Weights = Path | Literal["download"]


def how_to_get_weights() -> str:
    """Where the files are, and what is never done without them."""
    return (
        f"{_by_hand()}, or write `weights: download` to have the first one fetched. "
        f"Nothing else is reported under the names fid and kid; `fd` and `kd` need no download."
    )


def _by_hand() -> str:
    files = " or ".join(f"{file.name} ({file.url}, sha256 {sha256})" for sha256, file in PUBLISHED.items())
    return f"Download {files} and give its path as `weights`"


def require_weights(kind: str, data: Any) -> Any:
    """The data of a spec. Raises ValueError that says how to get the weights, where it names none."""
    if isinstance(data, dict) and data.get("weights") is None:
        raise ValueError(f"{kind} needs the weights of the Inception network. {how_to_get_weights()}")
    return data


class InceptionSpec(ExtractorSpec):
    """The 2048 features of Inception 2015-12-05 (last average pooling), as clean-fid's mode "clean" computes them."""

    kind: Literal["inception"] = "inception"
    papers: ClassVar[tuple[str, ...]] = (literature.INCEPTION, literature.CLEAN)
    weights: Weights

    @model_validator(mode="before")
    @classmethod
    def _weights_are_given(cls, data: Any) -> Any:
        return require_weights(cls.kind_name(), data)

    def preflight(self) -> None:
        self.build("cpu")

    def build(self, device: str) -> NetworkExtractor:
        """Fetches the file first if `weights` says so.

        Raises CheckpointError where the file can't be read or is none of the published ones; DownloadError.
        """
        path = _fetched() if self.weights == "download" else Path(self.weights)
        try:
            content, sha256 = read_weights(path)
        except CheckpointError as error:
            raise CheckpointError(f"{error} {how_to_get_weights()}") from error
        if sha256 not in PUBLISHED:
            raise CheckpointError(
                f"{path} is not the Inception network of the FID: its sha256 is {sha256}. {how_to_get_weights()}"
            )
        network = _NETWORKS[PUBLISHED[sha256].form](content, path)
        return NetworkExtractor(NAME, sha256, 2048, 299, SCALING, network, device)


def _fetched() -> Path:
    """The first of the published files, in the cache."""
    from ganforge.cache import cache_folder
    from ganforge.weights.pretrained import StoreContext
    from ganforge.weights.store import fetch_file

    sha256, file = next(iter(PUBLISHED.items()))
    try:
        return fetch_file(file.url, sha256, StoreContext(cache_folder()))
    except DownloadError as error:
        raise DownloadError(f"{error.reason} {_by_hand()}.") from error


def _from_torchscript(content: bytes, path: Path) -> nn.Module:
    import torch

    # The hash was checked before: TorchScript is a program.
    network: nn.Module = torch.jit.load(io.BytesIO(content), map_location="cpu").layers
    return network


def _from_state_dict(content: bytes, path: Path) -> nn.Module:
    import torch

    from ganforge_fid.inception_network import network_of_the_fid

    network = network_of_the_fid()
    tensors = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    load_whole(network, tensors, path, "the network of the FID")
    network.fc = torch.nn.Identity()
    return network


_NETWORKS = {"torchscript": _from_torchscript, "state dict": _from_state_dict}
