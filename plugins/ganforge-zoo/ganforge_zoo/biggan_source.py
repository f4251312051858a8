"""BigGAN checkpoints of pytorch-pretrained-biggan as recipes name them."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ganforge.weights.pretrained import PretrainedWeights, StoreContext
from ganforge_zoo.checkpoint import CheckpointSpec, existing


class BigGANCheckpoint(CheckpointSpec):
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

    def preflight(self) -> None:
        if self.path is not None:
            existing(self.path, "source.path")

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge_zoo.biggan_names import at_truncation, read_generator

        weights = self.generator_from(read_generator, context)
        assert weights.generator is not None
        return replace(weights, generator=at_truncation(weights.generator, self.truncation))
