"""What a training changes: the two networks, their optimizers, and what follows the logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from torch import nn, optim

from ganforge.augmentation.base import Augmentation
from ganforge.interfaces import AugmentationSpec, LogitPenaltySpec
from ganforge.naming import by_name
from ganforge.networks.staged import Discriminator, Generator
from ganforge.recipe.models import TrainingSpec
from ganforge.training.logit_penalty import LogitPenalty

A = TypeVar("A")
P = TypeVar("P")


@dataclass(frozen=True)
class Players:
    """What a step changes. Augmentations and penalties on logits go by the names of `by_name`."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: optim.Optimizer
    discriminator_optimizer: optim.Optimizer
    augmentations: Mapping[str, Augmentation] = field(default_factory=dict)
    logit_penalties: Mapping[str, LogitPenalty] = field(default_factory=dict)

    @classmethod
    def of(cls, training: TrainingSpec, generator: Generator, discriminator: Discriminator) -> Players:
        """As a recipe builds them, on the device of the networks and with a learning rate of 0."""
        device = next(generator.parameters()).device
        build = training.optimizer.build
        return cls(
            generator,
            discriminator,
            build(list(generator.parameters()), 0.0),
            build(list(discriminator.parameters()), 0.0),
            {name: spec.build().to(device) for name, spec in by_name(training.augmentations).items()},
            {name: spec.build().to(device) for name, spec in by_name(training.logit_penalties).items()},
        )

    @property
    def followers(self) -> dict[str, nn.Module]:
        """Those that have a state, and so follow the logits from step to step, by the stem of their file."""
        modules = _by_stem(self.augmentations, self.logit_penalties)
        return {stem: module for stem, module in modules.items() if module.state_dict()}


def follower_specs(training: TrainingSpec) -> dict[str, AugmentationSpec | LogitPenaltySpec]:
    """What a recipe says of those that may be `Players.followers`, by the stem of their file in a checkpoint."""
    return _by_stem(by_name(training.augmentations), by_name(training.logit_penalties))


def _by_stem(augmentations: Mapping[str, A], logit_penalties: Mapping[str, P]) -> dict[str, A | P]:
    return {f"augmentation_{name}": each for name, each in augmentations.items()} | {
        f"logit_penalty_{name}": each for name, each in logit_penalties.items()
    }
