"""A training step of a plan whose networks and images have shapes and no numbers."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ganforge.freeze.policy import set_trained
from ganforge.interfaces import RegulariserSpec
from ganforge.networks.features import PretrainedFeatures
from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.build import assemble
from ganforge.plan.plan import Plan
from ganforge.processes.group import Processes
from ganforge.processes.stop import Stops
from ganforge.training.arithmetic import Arithmetic, with_intervals
from ganforge.training.ema import MovingAverage
from ganforge.training.exchange import Exchange
from ganforge.training.piecewise import route_for
from ganforge.training.players import Players
from ganforge.training.step import RealBatch, TrainStep


@dataclass(frozen=True)
class Unconnected(Processes):
    """The first of `size` processes whose others are not there; what it would send is noted."""

    #: Bytes of each sum.
    sums: list[int] = field(default_factory=list)

    def add_up(self, values: Tensor) -> None:
        self.sums.append(values.nbytes)


@dataclass(frozen=True)
class Shells:
    """The networks of a plan on the `meta` device, which holds no numbers."""

    plan: Plan
    generator: Generator
    discriminator: Discriminator
    #: That through which the discriminator looks.
    seen: nn.Module | None

    @classmethod
    def of(cls, plan: Plan) -> Shells:
        """Raises GanforgeError where a pretrained network can't be had."""
        with torch.device("meta"):
            generator, discriminator = assemble(plan.generator), assemble(plan.discriminator)
        assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
        features, layout = plan.recipe.discriminator.features, torch.channels_last
        return cls(
            plan,
            generator.to(memory_format=layout),
            discriminator.to(memory_format=layout),
            None if features is None else features.network.build().eval().requires_grad_(False).to("meta"),
        )


class MadeUpStep:
    """The engine's own step; to be made and called within `ganforge.cost.counting`."""

    def __init__(self, shells: Shells, size: int, arithmetic: Arithmetic) -> None:
        """size: of how many processes this is the first. The shells are used up."""
        plan, self._seen = shells.plan, shells.seen
        training, num_classes = plan.recipe.training, len(plan.classes)
        self._plan = plan
        self.generator = shells.generator.to_empty(device="cpu")
        self.discriminator = shells.discriminator.to_empty(device="cpu")
        if self._seen is not None:
            levels = {placed.site: placed.level for placed in plan.discriminator.features}
            seen = self._seen.to_empty(device="cpu")
            self.discriminator.features = PretrainedFeatures(lambda: seen, levels)
        self.average = MovingAverage(self.generator, training.ema)
        self.processes = Unconnected(0, size)
        self._step = TrainStep(
            Players.of(training, self.generator, self.discriminator),
            training.loss,
            with_intervals(training.regularisers, arithmetic),
            torch.full((num_classes,), 1 / num_classes, dtype=torch.float64),
            plan.recipe.seed,
            route_for(plan.discriminator, self.discriminator, getattr(torch, arithmetic.discriminator)),
            getattr(torch, arithmetic.generator),
            wrong_labels=training.wrong_labels,
            microbatch=training.microbatch,
            exchange=Exchange(self.processes, Stops()),
        )

    @property
    def regularisers(self) -> Sequence[RegulariserSpec]:
        """With their intervals."""
        return self._step.regularisers

    def held(self) -> dict[str, int]:
        """Bytes that live from one step to the next, by what they are; to be asked behind a step."""
        optimizers = (self._step.players.generator_optimizer, self._step.players.discriminator_optimizer)
        state = (value for each in optimizers for of_one in each.state.values() for value in of_one.values())
        networks = [self.generator, self.discriminator, self.average.network, *([self._seen] if self._seen else [])]
        tensors = [value for network in networks for value in (*network.parameters(), *network.buffers())]
        gradients = [value.grad for value in tensors if value.grad is not None]
        return {
            "weights": sum(value.nbytes for value in tensors),
            "optimizer": sum(value.nbytes for value in state if isinstance(value, Tensor)),
            "gradients": sum(value.nbytes for value in gradients),
        }

    def enter(self, stage: int) -> None:
        """Let the parameters train that do so in this stage."""
        for network, plan in ((self.generator, self._plan.generator), (self.discriminator, self._plan.discriminator)):
            set_trained(network, plan.trains[stage])

    def __call__(self, number: int) -> None:
        """Step `number`, of this process's share of the batch."""
        num = self._plan.recipe.training.batch // self.processes.size
        side = self._plan.recipe.resolution
        images = torch.empty(num, 3, side, side, memory_format=torch.channels_last)
        self.processes.sums.clear()
        self._step(RealBatch(images, torch.empty(num, dtype=torch.int64)), number, range(num))
        self.average.update(self.generator, number)
