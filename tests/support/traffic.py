"""What the processes of a run send in a step, counted from its plan."""

# N samples of a batch

from __future__ import annotations

from dataclasses import dataclass

from ganforge.plan.plan import NetworkPlan, Plan

#: Gradients travel as float32.
BYTES = 4


@dataclass(frozen=True)
class Traffic:
    """Bytes of the sums of one step, of which each process sends and gets about twice as many (a ring)."""

    stage: str
    #: Gradients of the parameters that train.
    generator: int
    discriminator: int
    #: What gradients of the frozen parameters would be, which are not sent.
    frozen: int


def traffic(plan: Plan) -> list[Traffic]:
    """For each stage of a recipe. Metrics and flags come on top, about 1.6 kB for each image of the batch."""
    return [
        Traffic(
            stage.name,
            _trained(plan.generator, number),
            _trained(plan.discriminator, number),
            BYTES * (plan.generator.num_parameters + plan.discriminator.num_parameters)
            - _trained(plan.generator, number)
            - _trained(plan.discriminator, number),
        )
        for number, stage in enumerate(plan.recipe.stages)
    ]


def _trained(network: NetworkPlan, stage: int) -> int:
    trains = network.trains[stage]
    return BYTES * sum(size for name, size in network.sizes.items() if trains[name])
