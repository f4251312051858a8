"""The bundled flower GAN, and Zhao's checkpoints, as recipes name them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ganforge.interfaces import SourceSpec
from ganforge.weights.checkpoint_source import CheckpointSource, Networks
from ganforge.weights.folder import load_folder
from ganforge.weights.pretrained import PretrainedWeights, StoreContext

BUNDLED = Path(__file__).parent / "flowers_64"


class Flowers64(SourceSpec):
    """The flower GAN that comes with this package: style blocks, 64 px, unconditional."""

    kind: Literal["flowers_64"] = "flowers_64"

    def cached(self, cache: Path) -> Path | None:
        return BUNDLED

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        weights = load_folder(BUNDLED)
        # stored in half precision to stay small
        generator = {key: value.float() for key, value in (weights.generator or {}).items()}
        discriminator = {key: value.float() for key, value in (weights.discriminator or {}).items()}
        return PretrainedWeights(generator, discriminator, weights.provenance)


class ZhaoCheckpoint(CheckpointSource):
    """A transferred GAN as published by Zhao, Cong & Carin 2020: style head and AdaFM trunk, one `.pt` file."""

    kind: Literal["zhao_checkpoint"] = "zhao_checkpoint"
    licence: str = "as published by its authors; trained on Oxford flowers and ImageNet"
    layout: ClassVar[str] = "zhao_1"
    title: ClassVar[str] = "Zhao transfer GAN"
    citation: ClassVar[str] = "Zhao, Cong & Carin 2020, On leveraging pretrained GANs for generation with limited data"

    @staticmethod
    def read(file: Path) -> Networks:
        from ganforge_flowers.published import ZHAO_GENERATOR, read_gp_gan

        theirs = read_gp_gan(file)
        generator = theirs.get("generator")
        return Networks(None if generator is None else ZHAO_GENERATOR.to_ours(generator), theirs.get("discriminator"))
