"""The bundled flower GAN, and Zhao's checkpoints, as recipes name them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.interfaces import SourceSpec
from ganforge.weights.folder import load_folder
from ganforge.weights.pretrained import PretrainedWeights, Provenance, StoreContext

BUNDLED = Path(__file__).parent / "flowers_64"


class Flowers64(SourceSpec):
    """The flower GAN that comes with this package: style blocks, 64 px, unconditional."""

    kind: Literal["flowers_64"] = "flowers_64"

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        weights = load_folder(BUNDLED)
        # stored in half precision to stay small
        generator = {key: value.float() for key, value in (weights.generator or {}).items()}
        discriminator = {key: value.float() for key, value in (weights.discriminator or {}).items()}
        return PretrainedWeights(generator, discriminator, weights.provenance)


class ZhaoCheckpoint(SourceSpec):
    """A transferred GAN as published by Zhao, Cong & Carin 2020: style head and AdaFM trunk, one `.pt` file."""

    kind: Literal["zhao_checkpoint"] = "zhao_checkpoint"
    path: Path
    licence: str = "as published by its authors; trained on Oxford flowers and ImageNet"

    def preflight(self) -> None:
        if not self.path.is_file():
            raise CheckpointError(f"there is no checkpoint {self.path}. Name it with source.path=FILE.")

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge_flowers.published import ZHAO_GENERATOR, read_gp_gan

        generator, discriminator = read_gp_gan(self.path)
        if generator is not None:
            generator = ZHAO_GENERATOR.to_ours(generator)
        citation = "Zhao, Cong & Carin 2020, On leveraging pretrained GANs for generation with limited data"
        name = f"Zhao transfer GAN {self.path.name}"
        provenance = Provenance(name, str(self.path), sha256_of(self.path), self.licence, citation)
        return PretrainedWeights(generator, discriminator, provenance)
