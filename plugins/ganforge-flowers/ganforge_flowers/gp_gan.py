"""A GP-GAN checkpoint of one's own, or at any address, as recipes name it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ganforge.errors import CheckpointError
from ganforge.weights.checkpoint_source import CheckpointSource, Networks
from ganforge.weights.folder import NETWORKS
from ganforge.weights.pretrained import PretrainedWeights, StoreContext, joined
from ganforge_flowers.layouts import recognise


class GPGANFile(CheckpointSource):
    """Base of sources that read a GP-GAN in any layout of GAN_stability."""

    layout: ClassVar[str] = "gp_gan_2"
    title: ClassVar[str] = "GP-GAN"
    citation: ClassVar[str] = "Mescheder, Geiger & Nowozin 2018, Which training methods for GANs do actually converge?"

    @staticmethod
    def read(file: Path) -> Networks:
        from ganforge_flowers.published import read_gp_gan

        theirs = read_gp_gan(file)
        layouts = {network: recognise(weights, file, network) for network, weights in theirs.items()}
        ours = {network: layout.to_ours(theirs[network]) for network, layout in layouts.items()}
        names = " and ".join(dict.fromkeys(layout.name for layout in layouts.values()))
        return Networks(ours.get("generator"), ours.get("discriminator"), f"layout {names}")


class GPGANCheckpoint(GPGANFile):
    """A GP-GAN checkpoint in any layout of GAN_stability, one `.pt` file (Mescheder et al. 2018).

    Or the ImageNet GP-GAN as the code of Zhao, Cong & Carin 2020 saves it, a bare state dict in `ImageNetPre_generator`
    and one in `ImageNetPre_discriminator`: `path` is one of them, or a folder that has them and no `.pt` file.
    """

    kind: Literal["gp_gan_checkpoint"] = "gp_gan_checkpoint"
    licence: str = "MIT (GAN_stability); the terms of its training pictures apply"

    def preflight(self) -> None:
        if not self._bare_files():
            super().preflight()

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        files = self._bare_files()
        if not files:
            return super().fetch(context)
        found = [self.model_copy(update={"path": file}).fetch(context) for file in files]
        return joined(*found) if len(found) == 2 else found[0]

    def _bare_files(self) -> list[Path]:
        if self.path is None or not self.path.is_dir() or any(self.path.glob("*.pt")):
            return []
        files = [self.path / f"ImageNetPre_{network}" for network in NETWORKS]
        found = [file for file in files if file.is_file()]
        if len(found) == 2 and self.sha256 is not None:
            names = " and ".join(file.name for file in found)
            raise CheckpointError(f"`sha256` is of one file, but {self.path} holds {names}. Leave it out.")
        return found
