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
from ganforge.training.routes import Case, Judgement, NonFiniteError, Route, expect_finite


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
class Part:
    """Samples of a batch that are computed together. of: number of all, None if these are all."""

    real: RealBatch
    samples: Sequence[int]
    of: int | None


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
        microbatch: int | None = None,
    ) -> None:
        """regularisers: those without an interval are due at each step.

        wrong_labels: weight of the loss on real images with a wrong label.
        generator_dtype: bfloat16 computes the generator's convolutions in it; any other changes nothing.
        microbatch: images that are computed together, their gradients added up; None: the whole batch.
        """
        self.players = players
        self.loss = loss
        self.regularisers = regularisers
        self.class_probabilities = class_probabilities
        self.seed = seed
        self.route = route
        self.generator_dtype = generator_dtype
        self.wrong_labels = wrong_labels
        self.microbatch = microbatch

    def __call__(self, real: RealBatch, step: int, samples: Sequence[int]) -> dict[str, float]:
        """One update of both players. Returns the mean losses and logits of the step.

        Raises NonFiniteError, before a parameter of the player concerned has changed.
        """
        players = self.players
        due = [regulariser for regulariser in self.regularisers if step % (regulariser.every or 1) == 0]
        on_fakes, on_reals = ([r for r in due if r.on == on] for on in ("fake", "real"))
        players.generator_optimizer.zero_grad(set_to_none=True)
        players.discriminator_optimizer.zero_grad(set_to_none=True)

        parts = self._parts(real, samples)
        generated, on_fake, on_real = list[Tensor](), list[Judgement](), list[list[Judgement]]()
        for part in parts:
            fakes = self.draw_fakes(part.samples, real.images.device)
            # a penalty needs memory: first let go of what the generator keeps
            reals = [] if due else self._real_cases(part)
            fake, *judged = self.route.judge(self._fake_case(part, fakes, on_fakes), *reals)
            expect_finite({"loss_generator": self.loss.generator(fake.logits).mean()})
            fakes.augmented.backward(fake.image_gradient)
            generated.append(fakes.images.detach())
            on_fake.append(fake)
            on_real.append(judged)
        _update(players.generator_optimizer, "the generator's loss")

        if due:
            on_real = [self.route.judge(*self._real_cases(part, on_reals)) for part in parts]
        _update(players.discriminator_optimizer, "the discriminator's loss")
        fake, judged_real, *judged_wrong = (_join(found) for found in (on_fake, *zip(*on_real, strict=True)))
        for augmentation in players.augmentations:
            augmentation.observe(judged_real.logits)

        metrics = {
            "loss_generator": self.loss.generator(fake.logits).mean(),
            "loss_real": self.loss.discriminator_real(judged_real.logits).mean(),
            "loss_fake": self.loss.discriminator_fake(fake.logits).mean(),
            "logit_real": judged_real.logits.mean(),
            "logit_fake": fake.logits.mean(),
            "spread_real": spread(real.images),
            "spread_fake": spread(torch.cat(generated)),
        }
        for wrong in judged_wrong:
            metrics["logit_wrong_label"] = wrong.logits.mean()
        for name, penalty in (("penalty_real", judged_real.penalty), ("penalty_fake", fake.penalty)):
            if penalty is not None:
                metrics[name] = penalty
        return {name: value.item() for name, value in metrics.items()}

    def _parts(self, real: RealBatch, samples: Sequence[int]) -> list[Part]:
        num, size = len(samples), self.microbatch or len(samples)
        if size >= num:
            return [Part(real, samples, None)]
        bounds = [slice(first, first + size) for first in range(0, num, size)]
        return [Part(RealBatch(real.images[at], real.labels[at]), samples[at], num) for at in bounds]

    def _fake_case(self, part: Part, fakes: Fakes, penalties: Sequence[RegulariserSpec]) -> Case:
        """One pass for both players."""
        loss = self.loss
        return Case(
            "fake", fakes.augmented, fakes.labels, loss.discriminator_fake, penalties, loss.generator, of=part.of
        )

    def _real_cases(self, part: Part, penalties: Sequence[RegulariserSpec] = ()) -> list[Case]:
        reals = self._augment(part.real.images, "real", part.samples)
        case = Case("real", reals, part.real.labels, self.loss.discriminator_real, penalties, of=part.of)
        return [case, *self._with_wrong_labels(case, part.samples)]

    def _with_wrong_labels(self, real: Case, samples: Sequence[int]) -> list[Case]:
        """Real images with a label that is not theirs, which the discriminator is to take for generated ones."""
        if not self.wrong_labels:
            return []
        num_classes = len(self.class_probabilities)
        draws = Draws(self.seed, "wrong label", samples, real.labels.device)
        others = 1 + (draws.uniform() * (num_classes - 1)).long().clamp(max=num_classes - 2)
        wrong = (real.labels + others) % num_classes
        return [Case("wrong_label", real.images, wrong, self._weighted_fake_loss, of=real.of)]

    def _weighted_fake_loss(self, logits: Tensor) -> Tensor:
        return self.wrong_labels * self.loss.discriminator_fake(logits)

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


def _join(judged: Sequence[Judgement]) -> Judgement:
    """What was found of the parts of a batch, as of the whole."""
    penalties = [each.penalty for each in judged if each.penalty is not None]
    return Judgement(
        torch.cat([each.logits for each in judged]), torch.stack(penalties).sum() if penalties else None, None
    )


def spread(images: Tensor) -> Tensor:
    """Standard deviation over a batch (N, 3, H, W) of images, the mean over channels and pixels."""
    return images.float().std(dim=0, correction=0).mean()


def _update(optimizer: optim.Optimizer, what: str) -> None:
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    if not torch.isfinite(norm):
        raise NonFiniteError(f"the gradient of {what} became {norm.item()}")
    optimizer.step()
