"""SNGAN and cGAN-PD checkpoints of torch-mimicry as recipes name them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ganforge.weights.checkpoint_source import CheckpointSource, Networks, existing
from ganforge.weights.pretrained import PretrainedWeights, StoreContext, joined


class SNGANCheckpoint(CheckpointSource):
    """An SNGAN or cGAN-PD of torch-mimicry: a generator's `.pth`, and a discriminator's if there is one."""

    kind: Literal["sngan_checkpoint"] = "sngan_checkpoint"
    #: A file of the same training; the published collection has generators alone.
    discriminator: Path | None = None
    licence: str = "MIT (torch-mimicry); the terms of its training pictures apply"
    layout: ClassVar[str] = "sngan_1"
    title: ClassVar[str] = "SNGAN"
    citation: ClassVar[str] = (
        "Miyato et al. 2018, Spectral normalization for generative adversarial networks; "
        "Lee & Town 2020, Mimicry: towards the reproducibility of GAN research"
    )
    suffix: ClassVar[str] = ".pth"

    @staticmethod
    def read(file: Path) -> Networks:
        from ganforge_zoo.sngan_names import read_generator

        return Networks(read_generator(file))

    def preflight(self) -> None:
        super().preflight()
        if self.discriminator is not None:
            existing(self.discriminator, "source.discriminator")

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge_zoo.sngan_names import read_discriminator

        weights = super().fetch(context)
        if self.discriminator is None:
            return weights
        file = existing(self.discriminator, "source.discriminator")
        provenance = self.provenance(file, str(file))
        return joined(weights, PretrainedWeights(None, read_discriminator(file), provenance))
