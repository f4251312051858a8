"""A rule for where a label enters a network."""

from __future__ import annotations

from typing import Literal

from ganforge.interfaces import DepthSpec, Sites


class Middle(DepthSpec):
    """The middle of the network, counted in blocks."""

    kind: Literal["mylab_middle"] = "mylab_middle"

    def locate(self, sites: Sites) -> int:
        """The number of blocks in front of the place. A ValueError becomes a problem of the recipe, with its line."""
        if len(sites.keys) < 2:
            raise ValueError(f"the {sites.network} has only one block, and so no middle.")
        return len(sites.keys) // 2
