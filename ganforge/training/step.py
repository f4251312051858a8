"""One training step, in the published order: the generator first, then the discriminator on the same fakes."""

# N batch, Z latent, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn, optim

from ganforge.augmentation.base import Augmentation
from ganforge.blocks.base import Context
from ganforge.interfaces import LossSpec, RegulariserSpec
from ganforge.networks.staged import Discriminator, Generator
from ganforge.randomness import Draws, draw_categories


@dataclass(frozen=True)
class RealBatch:
    """images: (N, 3, H, W) in [-1, 1]; labels: (N,)."""

    images: Tensor
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
        precision: str,
    ) -> None:
        self.players = players
        self.loss = loss
        self.regularisers = regularisers
        self.class_probabilities = class_probabilities
        self.seed = seed
        self.precision = precision

    def __call__(self, real: RealBatch, step: int, samples: Sequence[int]) -> dict[str, float]:
        """One update of both players. Returns the mean losses and logits of the step.

        Raises NonFiniteError, before a parameter of the player concerned has changed.
        """
        players, device = self.players, real.images.device
        due = [regulariser for regulariser in self.regularisers if step % regulariser.every == 0]
        metrics: dict[str, float] = {}

        draws = Draws(self.seed, "fake", samples, device)
        z = draws.normal(players.generator.latent_dim)
        labels = draw_categories(draws, self.class_probabilities).to(device)
        fakes: Tensor = players.generator(z, labels, Context(noise=draws.noise))
        with frozen(players.discriminator):
            logits = self._judge(self._augment(fakes, "fake", samples), labels)
            loss = self.loss.generator(logits).mean()
            self._update(players.generator_optimizer, loss, {"loss_generator": loss})
        metrics["loss_generator"] = loss.item()

        reals = self._augment(real.images, "real", samples)
        real_logits, real_penalty = self._judge_with_penalty(reals, real.labels, due, "real")
        fakes = self._augment(fakes.detach(), "fake", samples)
        fake_logits, fake_penalty = self._judge_with_penalty(fakes, labels, due, "fake")
        loss_real = self.loss.discriminator_real(real_logits).mean()
        loss_fake = self.loss.discriminator_fake(fake_logits).mean()
        terms = {"loss_real": loss_real, "loss_fake": loss_fake}
        for name, penalty in (("penalty_real", real_penalty), ("penalty_fake", fake_penalty)):
            if penalty is not None:
                terms[name] = penalty
        total = torch.stack(list(terms.values())).sum()
        self._update(players.discriminator_optimizer, total, terms)
        for augmentation in players.augmentations:
            augmentation.observe(real_logits)
        metrics.update({name: term.item() for name, term in terms.items()})
        metrics["logit_real"] = real_logits.mean().item()
        metrics["logit_fake"] = fake_logits.mean().item()
        return metrics

    def _judge(self, images: Tensor, labels: Tensor) -> Tensor:
        with self._precision(images):
            logits: Tensor = self.players.discriminator(images, labels)
        return logits.float() if logits.dtype == torch.bfloat16 else logits

    def _judge_with_penalty(
        self, images: Tensor, labels: Tensor, due: Sequence[RegulariserSpec], on: str
    ) -> tuple[Tensor, Tensor | None]:
        """Logits (N,), and the mean of the penalties that are due on these images, or None."""
        penalties = [regulariser for regulariser in due if regulariser.on == on]
        if not penalties:
            return self._judge(images, labels), None
        images = images.detach().requires_grad_()
        logits = self._judge(images, labels)
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        terms = [(r.penalty(gradient) * r.every).mean() for r in penalties]
        return logits, torch.stack(terms).sum()

    def _augment(self, images: Tensor, which: str, samples: Sequence[int]) -> Tensor:
        for index, augmentation in enumerate(self.players.augmentations):
            draws = Draws(self.seed, f"augment {which} {index}", samples, images.device)
            images = augmentation(images, draws)
        return images

    def _precision(self, images: Tensor) -> AbstractContextManager[Any]:
        return torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16")

    def _update(self, optimizer: optim.Optimizer, loss: Tensor, terms: dict[str, Tensor]) -> None:
        optimizer.zero_grad(set_to_none=True)
        bad = [name for name, term in terms.items() if not torch.isfinite(term)]
        if bad:
            raise NonFiniteError(f"{' and '.join(bad)} became {terms[bad[0]].item()}")
        loss.backward()
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        if not torch.isfinite(norm):
            raise NonFiniteError(f"the gradient of {' + '.join(terms)} became {norm.item()}")
        optimizer.step()


class NonFiniteError(ArithmeticError):
    """A loss or gradient is not finite; the parameters are still those from before the update."""


class frozen:  # noqa: N801 - reads as a statement
    """Within the block no parameter of the network gets a gradient; gradients still pass through it."""

    def __init__(self, network: nn.Module) -> None:
        self.trained = [parameter for parameter in network.parameters() if parameter.requires_grad]

    def __enter__(self) -> None:
        for parameter in self.trained:
            parameter.requires_grad_(False)

    def __exit__(self, *error: object) -> None:
        for parameter in self.trained:
            parameter.requires_grad_(True)
