"""A mapping network that recipes can give a generator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import MappingSpec, Width

if TYPE_CHECKING:
    from torch import nn


class Shallow(MappingSpec):
    """One layer from the latent to the style."""

    kind: Literal["mylab_shallow"] = "mylab_shallow"
    #: Length of the style.
    width: Width

    def style_dim(self, latent_dim: int) -> int:
        return self.width

    def build(self, latent_dim: int) -> nn.Module:
        from mylab_plugin.mapping_module import ShallowModule

        return ShallowModule(latent_dim, self.width)
