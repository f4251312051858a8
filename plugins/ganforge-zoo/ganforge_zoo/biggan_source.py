"""BigGAN checkpoints of pytorch-pretrained-biggan as recipes name them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ganforge.weights.checkpoint_source import CheckpointSource, Networks
from ganforge.weights.pretrained import PretrainedWeights, StoreContext


class BigGANCheckpoint(CheckpointSource):
    """A BigGAN-deep generator as pytorch-pretrained-biggan publishes it: one `pytorch_model.bin`, no discriminator."""

    kind: Literal["biggan_checkpoint"] = "biggan_checkpoint"
    #: Standard deviation of the latents whose statistics the batch norms keep; 1: those that a training draws.
    truncation: Annotated[float, Field(gt=0, le=1)] = 1.0
    licence: str = "MIT (pytorch-pretrained-biggan); trained on ImageNet, whose terms allow research use"
    layout: ClassVar[str] = "biggan_1"
    title: ClassVar[str] = "BigGAN"
    citation: ClassVar[str] = (
        "Brock, Donahue & Simonyan 2019, Large scale GAN training for high fidelity natural image synthesis"
    )
    suffix: ClassVar[str] = ".bin"

    @staticmethod
    def read(file: Path) -> Networks:
        from ganforge_zoo.biggan_names import read_generator

        return Networks(read_generator(file))

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge_zoo.biggan_names import at_truncation

        weights = super().fetch(context)
        assert weights.generator is not None
        return replace(weights, generator=at_truncation(weights.generator, self.truncation))
