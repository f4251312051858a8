"""Mapping network: from the latent to the style."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ganforge import literature
from ganforge.interfaces import MappingSpec, Width

if TYPE_CHECKING:
    from torch import nn


class MappingMLP(MappingSpec):
    """Pixel norm of z, then fully connected layers with leaky ReLU (Karras et al. 2019; 8 layers as published)."""

    kind: Literal["mapping_mlp"] = "mapping_mlp"
    papers: ClassVar[tuple[str, ...]] = (literature.STYLE,)
    depth: Annotated[int, Field(gt=0, le=64)] = 8
    #: Length of the style.
    width: Width

    def style_dim(self, latent_dim: int) -> int:
        return self.width

    def build(self, latent_dim: int) -> nn.Module:
        from ganforge.networks.mapping_modules import MappingMLP as Module

        return Module(latent_dim, self.width, self.depth)


MAPPINGS: list[type[MappingSpec]] = [MappingMLP]
