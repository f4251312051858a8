"""A penalty on the discriminator's logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ganforge.interfaces import LogitPenaltySpec
from pydantic import PositiveFloat

if TYPE_CHECKING:
    from ganforge.training.logit_penalty import LogitPenalty


class Drift(LogitPenaltySpec):
    """weight * logit^2 on real images, so that logits stay near 0 (Karras et al. 2018, appendix A.1)."""

    kind: Literal["mylab_drift"] = "mylab_drift"
    weight: PositiveFloat = 0.001

    def build(self) -> LogitPenalty:
        from mylab_plugin.logit_penalty_module import DriftModule

        return DriftModule(self.weight)
