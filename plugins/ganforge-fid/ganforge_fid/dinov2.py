"""DINOv2, with weights from a file on the user's machine (Oquab et al. 2023, "DINOv2: Learning robust visual features
without supervision")."""

# D width, P patches along a side

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from ganforge.errors import CheckpointError, UsageError
from ganforge.interfaces import ExtractorSpec
from ganforge_fid import literature
from ganforge_fid.files import load_whole, read_state_dict
from ganforge_fid.network import IMAGENET, NetworkExtractor

if TYPE_CHECKING:
    from torch import Tensor

#: Width -> name of the network, and what timm calls it.
NETWORKS = {
    384: ("dinov2-vits14", "vit_small_patch14_dinov2"),
    768: ("dinov2-vitb14", "vit_base_patch14_dinov2"),
    1024: ("dinov2-vitl14", "vit_large_patch14_dinov2"),
}
#: Of the smallest; the others lie beside it, with their names in place of vits14.
URL = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth"
#: 16 patches of 14 px along a side. The files have positions for 37, of images of 518 px.
SIDE, PATCHES, PUBLISHED_PATCHES = 224, 16, 37


class DINOv2Spec(ExtractorSpec):
    """Class token of DINOv2 ViT-S/14 (384), ViT-B/14 (768) or ViT-L/14 (1024), whichever the file holds."""

    kind: Literal["dinov2"] = "dinov2"
    papers: ClassVar[tuple[str, ...]] = (literature.DINO_V2, literature.CLEAN)
    #: `dinov2_vits14_pretrain.pth` of facebookresearch/dinov2, or vitb14, vitl14; relative paths start at the working
    #: directory.
    weights: Path

    def preflight(self) -> None:
        self.build("cpu")

    def build(self, device: str) -> NetworkExtractor:
        """Raises UsageError without timm; CheckpointError where the file can't be read or holds another network."""
        try:
            import timm
        except ImportError as error:
            raise UsageError(
                "the features of dinov2 need the package timm, which is not installed. "
                "Run: pip install ganforge-fid[dinov2]"
            ) from error
        tensors, sha256 = read_state_dict(self.weights, f"Download {URL} and give its path as `weights`.")
        dim = _width(tensors, self.weights)
        name, model = NETWORKS[dim]
        tensors.pop("mask_token", None)  # stands for hidden patches in training
        tensors["pos_embed"] = positions(tensors["pos_embed"])
        network = timm.create_model(model, pretrained=False, img_size=SIDE, num_classes=0)
        load_whole(network, tensors, self.weights, name)
        return NetworkExtractor(name, sha256, dim, SIDE, IMAGENET, network, device)


def positions(published: Tensor) -> Tensor:
    """Positions for images of 224 px: (1, 1 + 16 * 16, D) from (1, 1 + 37 * 37, D); the first is the class token's.

    As the published code does it by default: bicubic, without antialiasing, and scaled by (16 + 0.1) / 37, not 16 / 37.
    """
    import torch

    grid = published[:, 1:].reshape(1, PUBLISHED_PATCHES, PUBLISHED_PATCHES, -1).permute(0, 3, 1, 2)
    scale = (PATCHES + 0.1) / PUBLISHED_PATCHES
    resized = torch.nn.functional.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([published[:, :1], resized.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def _width(tensors: dict[str, Tensor], path: Path) -> int:
    """D, by which the published files are told apart."""
    table = tensors.get("pos_embed")
    shape = None if table is None else tuple(table.shape)
    if "register_tokens" in tensors:
        found = "a network with registers"
    elif table is not None and not table.is_floating_point():
        found = "positions that are integers"
    elif shape in [(1, 1 + PUBLISHED_PATCHES**2, width) for width in NETWORKS]:
        return int(shape[2])
    else:
        found = "no positions (pos_embed)" if shape is None else f"positions of shape {shape}"
    raise CheckpointError(
        f"{path} is none of dinov2_vits14_pretrain.pth, dinov2_vitb14_pretrain.pth and dinov2_vitl14_pretrain.pth: "
        f"it holds {found}."
    )
