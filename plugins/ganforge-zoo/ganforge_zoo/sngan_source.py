"""SNGAN and cGAN-PD checkpoints of torch-mimicry as recipes name them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from ganforge.files import sha256_of
from ganforge.weights.pretrained import PretrainedWeights, StoreContext
from ganforge_zoo.checkpoint import CheckpointSpec, existing


class SNGANCheckpoint(CheckpointSpec):
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

    def preflight(self) -> None:
        if self.path is not None:
            existing(self.path, "source.path")
        if self.discriminator is not None:
            existing(self.discriminator, "source.discriminator")

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        from ganforge_zoo.sngan_names import read_discriminator, read_generator

        weights = self.generator_from(read_generator, context)
        if self.discriminator is None:
            return weights
        file = existing(self.discriminator, "source.discriminator")
        provenance = replace(
            weights.provenance,
            origin=f"{weights.provenance.origin}, {file}",
            sha256=f"{weights.provenance.sha256},{sha256_of(file)}",
        )
        return PretrainedWeights(weights.generator, read_discriminator(file), provenance)
