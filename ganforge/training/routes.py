"""How the discriminator's gradients are computed: for any network by autograd, faster for a piecewise linear one."""

# N batch, C=3 channels, H W pixels

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ganforge.interfaces import RegulariserSpec
from ganforge.networks.staged import Discriminator
from ganforge.training.look import Look

#: Logits (N,) -> a loss for each, (N,).
LossTerm = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """Images for the discriminator to judge, and what is wanted of it."""

    on: Literal["real", "fake", "wrong_label"]
    #: (N, 3, H, W).
    images: Tensor
    #: (N,) int64.
    labels: Tensor
    loss: LossTerm
    penalties: Sequence[RegulariserSpec] = ()
    #: What the generator minimises by these images: one pass then serves both players.
    generator_loss: LossTerm | None = None
    #: Of the whole batch, over which the means are taken; None: these are the whole batch.
    batch_size: int | None = None

    def mean(self, values: Tensor) -> Tensor:
        """(N,) -> what these images add to the mean over the whole batch."""
        return values.mean() if self.batch_size is None else values.sum() / self.batch_size


@dataclass(frozen=True)
class Judgement:
    """What a pass of the discriminator found; its parameters' gradients have been added to their `grad`."""

    #: (N,), without a graph.
    logits: Tensor
    #: Mean of the penalties that were due, not times their intervals, or None; of a part of a batch, its share of it.
    penalty: Tensor | None
    #: (N, 3, H, W), the gradient of the mean of `generator_loss` with respect to the images, or None.
    image_gradient: Tensor | None


class Route(ABC):
    """Adds the gradients of mean(loss(D(images)) + penalties), for each case, to those of D's parameters."""

    def __init__(self, discriminator: Discriminator, dtype: torch.dtype) -> None:
        """dtype: format of the discriminator's convolutions; that of parameters and images, or bfloat16."""
        self.discriminator = discriminator
        self.dtype = dtype

    @abstractmethod
    def judge(self, *cases: Case) -> list[Judgement]:
        """A judgement for each case, in their order.

        Raises NonFiniteError if `loss_<on>` or `penalty_<on>` of a case is not finite, with no gradient of it added.
        """


class AutogradRoute(Route):
    """One forward pass, one backward pass for each player, penalties by differentiating twice."""

    def judge(self, *cases: Case) -> list[Judgement]:
        return [self._judge(case) for case in cases]

    def _judge(self, case: Case) -> Judgement:
        images = case.images.detach().requires_grad_(bool(case.penalties) or case.generator_loss is not None)
        look = Look(self.discriminator, case.images, learns=case.generator_loss is not None)
        inputs = [images, *look.given.values()]
        mixed = self.dtype != images.dtype
        with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=mixed):
            logits: Tensor = self.discriminator(images, case.labels, seen=look.given)
        logits = logits.to(images.dtype)
        penalty = image_gradient = None
        total = case.mean(case.loss(logits))
        if case.penalties:
            gradients = torch.autograd.grad(logits.sum(), inputs, create_graph=True)
            penalty = mean_penalty(gradients, case)
            expect_finite({f"penalty_{case.on}": penalty.in_loss})
        expect_finite({f"loss_{case.on}": total})
        if case.generator_loss is not None:
            direct, *by_given = torch.autograd.grad(case.mean(case.generator_loss(logits)), inputs, retain_graph=True)
            image_gradient = look.with_features(direct, by_given)
        trained = [parameter for parameter in self.discriminator.parameters() if parameter.requires_grad]
        if trained:
            (total if penalty is None else total + penalty.in_loss).backward(inputs=trained)
        return Judgement(logits.detach(), None if penalty is None else penalty.mean, image_gradient)


class MeanPenalty(NamedTuple):
    """Of the sum of a case's penalties over the batch, scalars."""

    #: Each times its interval, for the steps without it: what is added to the loss.
    in_loss: Tensor
    #: As they are, without a graph: what can be compared between runs.
    mean: Tensor


def mean_penalty(gradients: Sequence[Tensor], case: Case) -> MeanPenalty:
    """The penalties on the discriminator's slope.

    gradients: (N, 3, H, W) by the images and, for each site with pretrained features, (N, C, H, W) by those.
    """
    gradient = gradients[0] if len(gradients) == 1 else torch.cat([each.flatten(1) for each in gradients], dim=1)
    penalties = [spec.penalty(gradient) for spec in case.penalties]
    weighted = [case.mean(each * (spec.every or 1)) for each, spec in zip(penalties, case.penalties, strict=True)]
    return MeanPenalty(torch.stack(weighted).sum(), case.mean(torch.stack(penalties).sum(dim=0).detach()))


class NonFiniteError(ArithmeticError):
    """A loss or gradient is not finite; the player's parameters are still those from before the update."""


def expect_finite(terms: dict[str, Tensor]) -> None:
    """Raise NonFiniteError, naming the terms that are not finite."""
    bad = [name for name, term in terms.items() if not torch.isfinite(term)]
    if bad:
        raise NonFiniteError(f"{' and '.join(bad)} became {terms[bad[0]].item()}")
