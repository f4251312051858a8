"""One training step: the generator first, then the discriminator on the same fakes, as published.

The discriminator does not change between the two, so that one pass on the fakes serves both players, and where no
penalty is due the same pass judges the real images.
"""

# N batch, Z latent, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, optim

from ganforge.augmentation.base import Augmentation
from ganforge.blocks.base import Context
from ganforge.interfaces import LossSpec, RegulariserSpec
from ganforge.networks.staged import Discriminator, Generator
from ganforge.randomness import Draws, draw_categories
from ganforge.training.routes import Case, NonFiniteError, Route, expect_finite


@dataclass(frozen=True)
class RealBatch:
    """images: (N, 3, H, W) in [-1, 1]; labels: (N,)."""

    images: Tensor
    labels: Tensor


class Fakes(NamedTuple):
    """images: (N, 3, H, W) with their graph; augmented: what the discriminator sees of them; labels: (N,)."""

    images: Tensor
    augmented: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Players:
    """What a step changes."""

    generator: Generator
    discriminator: Discriminator
    generator_optimizer: optim.Optimizer
    discriminator_optimizer: optim.Optimizer
    augmentations: Sequence[Augmentation]


class TrainStep:
    """Computes and applies one step; all randomness comes from the numbers of the samples."""

    def __init__(
        self,
        players: Players,
        loss: LossSpec,
        regularisers: Sequence[RegulariserSpec],
        class_probabilities: Tensor,
        seed: int,
        route: Route,
        generator_dtype: torch.dtype = torch.float32,
        wrong_labels: float = 0.0,
    ) -> None:
        """regularisers: those without an interval are due at each step.

        wrong_labels: weight of the loss on real images with a wrong label.
        generator_dtype: bfloat16 computes the generator's convolutions in it; any other changes nothing.
        """
        self.players = players
        self.loss = loss
        self.regularisers = regularisers
        self.class_probabilities = class_probabilities
        self.seed = seed
        self.route = route
        self.generator_dtype = generator_dtype
        self.wrong_labels = wrong_labels

    def __call__(self, real: RealBatch, step: int, samples: Sequence[int]) -> dict[str, float]:
        """One update of both players. Returns the mean losses and logits of the step.

        Raises NonFiniteError, before a parameter of the player concerned has changed.
        """
        players = self.players
        due = [regulariser for regulariser in self.regularisers if step % (regulariser.every or 1) == 0]
        players.generator_optimizer.zero_grad(set_to_none=True)
        players.discriminator_optimizer.zero_grad(set_to_none=True)

        fakes = self.draw_fakes(samples, real.images.device)
        reals = self._augment(real.images, "real", samples)
        on_fakes, on_reals = ([r for r in due if r.on == on] for on in ("fake", "real"))
        fake_case = Case(
            "fake",
            fakes.augmented,
            fakes.labels,
            self.loss.discriminator_fake,
            on_fakes,
            generator_loss=self.loss.generator,
        )
        real_case = Case("real", reals, real.labels, self.loss.discriminator_real, on_reals)
        real_cases = [real_case, *self._with_wrong_labels(reals, real.labels, samples)]
        if due:  # a penalty needs memory: first let go of what the generator keeps
            (fake,), judged = self.route.judge(fake_case), []
        else:
            fake, *judged = self.route.judge(fake_case, *real_cases)
        loss_generator = self.loss.generator(fake.logits).mean()
        expect_finite({"loss_generator": loss_generator})
        fakes.augmented.backward(fake.image_gradient)
        _update(players.generator_optimizer, "the generator's loss")

        judged_real, *judged_wrong = judged or self.route.judge(*real_cases)
        _update(players.discriminator_optimizer, "the discriminator's loss")
        for augmentation in players.augmentations:
            augmentation.observe(judged_real.logits)

        metrics = {
            "loss_generator": loss_generator,
            "loss_real": self.loss.discriminator_real(judged_real.logits).mean(),
            "loss_fake": self.loss.discriminator_fake(fake.logits).mean(),
            "logit_real": judged_real.logits.mean(),
            "logit_fake": fake.logits.mean(),
            "spread_real": spread(real.images),
            "spread_fake": spread(fakes.images.detach()),
        }
        for wrong in judged_wrong:
            metrics["logit_wrong_label"] = wrong.logits.mean()
        for name, penalty in (("penalty_real", judged_real.penalty), ("penalty_fake", fake.penalty)):
            if penalty is not None:
                metrics[name] = penalty
        return {name: value.item() for name, value in metrics.items()}

    def _with_wrong_labels(self, reals: Tensor, labels: Tensor, samples: Sequence[int]) -> list[Case]:
        """Real images with a label that is not theirs, which the discriminator is to take for generated ones."""
        if not self.wrong_labels:
            return []
        num_classes = len(self.class_probabilities)
        draws = Draws(self.seed, "wrong label", samples, labels.device)
        others = 1 + (draws.uniform() * (num_classes - 1)).long().clamp(max=num_classes - 2)
        wrong = (labels + others) % num_classes
        return [
            Case("wrong_label", reals, wrong, lambda logits: self.wrong_labels * self.loss.discriminator_fake(logits))
        ]

    def draw_fakes(self, samples: Sequence[int], device: torch.device) -> Fakes:
        """A batch by the numbers of its samples."""
        draws = Draws(self.seed, "fake", samples, device)
        z = draws.normal(self.players.generator.latent_dim)
        labels = draw_categories(draws, self.class_probabilities).to(device)
        half = self.generator_dtype == torch.bfloat16
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            fakes: Tensor = self.players.generator(z, labels, Context(noise=draws.noise))
        fakes = fakes.float() if half else fakes
        return Fakes(fakes, self._augment(fakes, "fake", samples), labels)

    def _augment(self, images: Tensor, which: Literal["real", "fake"], samples: Sequence[int]) -> Tensor:
        for index, augmentation in enumerate(self.players.augmentations):
            if augmentation.reals_only and which == "fake":
                continue
            draws = Draws(self.seed, f"augment {which} {index}", samples, images.device)
            images = augmentation(images, draws)
        return images


def spread(images: Tensor) -> Tensor:
    """Standard deviation over a batch (N, 3, H, W) of images, the mean over channels and pixels."""
    return images.float().std(dim=0, correction=0).mean()


def _update(optimizer: optim.Optimizer, what: str) -> None:
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    if not torch.isfinite(norm):
        raise NonFiniteError(f"the gradient of {what} became {norm.item()}")
    optimizer.step()
