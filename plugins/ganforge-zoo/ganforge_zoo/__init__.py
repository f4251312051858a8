"""SNGAN and BigGAN: their blocks."""

from __future__ import annotations

from ganforge import hookimpl
from ganforge.interfaces import BlockSpec, MappingSpec
from ganforge_zoo import biggan_specs, sngan_specs


@hookimpl
def ganforge_blocks() -> list[type[BlockSpec]]:
    return [*sngan_specs.BLOCKS, *biggan_specs.BLOCKS]


@hookimpl
def ganforge_mappings() -> list[type[MappingSpec]]:
    return [biggan_specs.ClassLatent]
