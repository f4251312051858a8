"""A fixed network through which a discriminator sees the images besides its own blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import FeatureNetworkSpec
from ganforge.shapes import Shape

if TYPE_CHECKING:
    from torch import nn


class Edges(FeatureNetworkSpec):
    """Differences of neighbouring pixels, at half and at a quarter of the side."""

    kind: Literal["mylab_edges"] = "mylab_edges"

    def out_shapes(self, image: Shape) -> tuple[Shape, ...]:
        half = image.with_channels(2).halved()
        return half, half.halved()

    def build(self) -> nn.Module:
        from mylab_plugin.feature_network_module import EdgesModule

        return EdgesModule()
