"""Pretrained weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import SourceSpec

if TYPE_CHECKING:
    from ganforge.weights.pretrained import PretrainedWeights, StoreContext


class StubOnes(SourceSpec):
    """A generator with one tensor, all ones."""

    kind: Literal["stub_ones"] = "stub_ones"

    def fetch(self, context: StoreContext) -> PretrainedWeights:
        import torch

        from ganforge.weights.pretrained import PretrainedWeights, Provenance

        provenance = Provenance("ones", "made in memory", "none: made in memory", "CC0-1.0")
        return PretrainedWeights({"conv_img.bias": torch.ones(3)}, None, provenance)
