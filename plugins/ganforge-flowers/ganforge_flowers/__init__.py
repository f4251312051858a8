"""Pretrained sources: a bundled flower GAN, and published GP-GAN checkpoints."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import SourceSpec
from ganforge_flowers.gan_stability import GAN_STABILITY
from ganforge_flowers.gp_gan import GPGANCheckpoint
from ganforge_flowers.specs import Flowers64, ZhaoCheckpoint


@hookimpl
def ganforge_sources() -> list[type[SourceSpec]]:
    return [Flowers64, GPGANCheckpoint, *GAN_STABILITY, ZhaoCheckpoint]
