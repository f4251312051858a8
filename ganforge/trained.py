"""A trained generator with what must be known of it."""

from __future__ import annotations

from dataclasses import dataclass

from ganforge.card import Card
from ganforge.networks.staged import Generator
from ganforge.plan.plan import NetworkPlan


@dataclass(frozen=True)
class Trained:
    """The moving average of a generator, the plan that it was built by, and its card."""

    generator: Generator
    plan: NetworkPlan
    card: Card
