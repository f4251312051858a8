"""A GAN that is not GP-GAN: the blocks of a DCGAN, and a published generator of faces."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import BlockSpec, SourceSpec
from ganforge_dcgan.blocks import DCGANImage, DCGANProject, DCGANUp
from ganforge_dcgan.source import DCGANFaces


@hookimpl
def ganforge_blocks() -> list[type[BlockSpec]]:
    return [DCGANProject, DCGANUp, DCGANImage]


@hookimpl
def ganforge_sources() -> list[type[SourceSpec]]:
    return [DCGANFaces]
