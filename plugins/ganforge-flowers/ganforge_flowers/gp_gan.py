"""A GP-GAN checkpoint of one's own, or at any address, as recipes name it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from ganforge.weights.checkpoint_source import CheckpointSource, Networks
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
    """A GP-GAN checkpoint in any layout of GAN_stability, one `.pt` file (Mescheder et al. 2018)."""

    kind: Literal["gp_gan_checkpoint"] = "gp_gan_checkpoint"
    licence: str = "MIT (GAN_stability); the terms of its training pictures apply"
