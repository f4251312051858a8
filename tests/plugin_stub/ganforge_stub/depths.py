"""A rule for where a label enters."""

from __future__ import annotations

from typing import Literal

from ganforge.interfaces import DepthSpec, Sites


class StubMiddle(DepthSpec):
    """In front of the middle block."""

    kind: Literal["stub_middle"] = "stub_middle"

    def locate(self, sites: Sites) -> int:
        return len(sites.keys) // 2
