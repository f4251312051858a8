"""The reference step: the published order, written plainly.

Generator first, through a discriminator whose parameters are switched off; then the discriminator on real images with
R1 by differentiating twice, and on the same fakes again; Adam; moving average parameter by parameter. Frozen
parameters only have `requires_grad` off. Order of the calls: Mescheder, Geiger & Nowozin 2018, published code.
"""

# N batch, Z latent, C=3 channels, H W pixels

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.blocks.base import Context
from ganforge.blocks.operations import Operations
from ganforge.interfaces import LossSpec, RegulariserSpec
from ganforge.networks.staged import Discriminator, Generator
from ganforge.randomness import Draws, draw_categories
from ganforge.training.step import RealBatch

EMA = 0.999


class TorchOperations(Operations):
    """torch's own leaky ReLU, as published code calls it."""

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        return F.leaky_relu(h, slope)


TORCH = TorchOperations()


class ReferenceStep:
    """Draws the latents, labels and noise that ganforge draws for the same samples, so that losses can be compared."""

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        loss: LossSpec,
        penalty: RegulariserSpec,
        class_probabilities: Tensor,
        rate: float,
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.average = copy.deepcopy(generator)
        self.loss, self.penalty = loss, penalty
        self.class_probabilities = class_probabilities
        self.trained = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=rate, betas=(0.0, 0.99), foreach=False)
            for network in (generator, discriminator)
        ]

    def __call__(self, real: RealBatch, samples: Sequence[int]) -> dict[str, float]:
        generator_optimizer, discriminator_optimizer = self.optimizers
        draws = Draws(0, "fake", samples)
        z = draws.normal(self.generator.latent_dim)
        labels = draw_categories(draws, self.class_probabilities)

        self._toggle(False)
        generator_optimizer.zero_grad()
        fakes = plain_forward(self.generator, z, labels, draws)
        loss_generator = self.loss.generator(plain_logits(self.discriminator, fakes, labels)).mean()
        loss_generator.backward()
        generator_optimizer.step()
        self._toggle(True)

        discriminator_optimizer.zero_grad()
        images = real.images.detach().requires_grad_()
        logits = plain_logits(self.discriminator, images, real.labels)
        loss_real = self.loss.discriminator_real(logits).mean()
        loss_real.backward(retain_graph=True)
        (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        penalty = self.penalty.penalty(gradient).mean()
        penalty.backward()
        loss_fake = self.loss.discriminator_fake(plain_logits(self.discriminator, fakes.detach(), labels)).mean()
        loss_fake.backward()
        discriminator_optimizer.step()

        with torch.no_grad():
            for average, current in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                average.copy_(average * EMA + current * (1 - EMA))
        terms = {"loss_generator": loss_generator, "loss_real": loss_real}
        terms |= {"loss_fake": loss_fake, "penalty_real": penalty}
        return {name: term.item() for name, term in terms.items()}

    def _toggle(self, on: bool) -> None:
        for parameter in self.trained:
            parameter.requires_grad_(on)


def plain_forward(generator: Generator, z: Tensor, labels: Tensor, draws: Draws) -> Tensor:
    """Images (N, 3, H, W), block by block: no upsampling is folded into the convolution behind it."""
    context = Context(style=generator.style(z, labels), labels=labels, noise=draws.noise, ops=TORCH)
    h = z[:, :, None, None]
    for index in range(len(generator.keys)):
        h = generator._block(index, generator._features(index, h, context), context)
    return generator._features(len(generator.keys), h, context)


def plain_logits(discriminator: Discriminator, images: Tensor, labels: Tensor) -> Tensor:
    """Logits (N,), block by block: no pooling is folded into the convolution in front of it."""
    context = Context(labels=labels, ops=TORCH)
    h = images
    terms: list[Tensor] = []
    for index in range(len(discriminator.keys)):
        h = discriminator._features(index, h, context)
        term = discriminator._logit(index, h, context)
        terms += [] if term is None else [term]
        h = discriminator._block(index, h, context)
    return torch.stack([h.flatten(), *terms]).sum(dim=0)
