"""SNGAN and BigGAN: their blocks, and checkpoints of torch-mimicry and pytorch-pretrained-biggan."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import BlockSpec, MappingSpec, SourceSpec
from ganforge_zoo import biggan_specs, sngan_specs
from ganforge_zoo.biggan_source import BigGANCheckpoint
from ganforge_zoo.sngan_source import SNGANCheckpoint


@hookimpl
def ganforge_blocks() -> list[type[BlockSpec]]:
    return [*sngan_specs.BLOCKS, *biggan_specs.BLOCKS]


@hookimpl
def ganforge_mappings() -> list[type[MappingSpec]]:
    return [biggan_specs.ClassLatent]


@hookimpl
def ganforge_sources() -> list[type[SourceSpec]]:
    return [SNGANCheckpoint, BigGANCheckpoint]
