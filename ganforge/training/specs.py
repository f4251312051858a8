"""Losses, regularisers, penalties on logits, optimizers and learning rates as recipes name them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from ganforge import literature
from ganforge.interfaces import LearningRate, LogitPenaltySpec, LossSpec, OptimizerSpec, RateSpec, RegulariserSpec

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

    from ganforge.training.logit_penalty import LogitPenalty


class BCE(LossSpec):
    """Binary cross-entropy on logits, non-saturating (Goodfellow et al. 2014)."""

    kind: Literal["bce"] = "bce"
    papers: ClassVar[tuple[str, ...]] = (literature.GAN,)

    def generator(self, fake: Tensor) -> Tensor:
        from torch.nn.functional import softplus

        return softplus(-fake)

    def discriminator_real(self, real: Tensor) -> Tensor:
        from torch.nn.functional import softplus

        return softplus(-real)

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        from torch.nn.functional import softplus

        return softplus(fake)


class Hinge(LossSpec):
    """Hinge loss (Lim & Ye 2017; Miyato et al. 2018, eq. 16-17)."""

    kind: Literal["hinge"] = "hinge"
    papers: ClassVar[tuple[str, ...]] = (literature.HINGE, literature.SPECTRAL)

    def generator(self, fake: Tensor) -> Tensor:
        return -fake

    def discriminator_real(self, real: Tensor) -> Tensor:
        return (1 - real).relu()

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        return (1 + fake).relu()


class Wasserstein(LossSpec):
    """Difference of mean logits (Arjovsky et al. 2017); wants a gradient penalty."""

    kind: Literal["wasserstein"] = "wasserstein"
    papers: ClassVar[tuple[str, ...]] = (literature.WASSERSTEIN,)

    def generator(self, fake: Tensor) -> Tensor:
        return -fake

    def discriminator_real(self, real: Tensor) -> Tensor:
        return -real

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        return fake


class _GradientPenalty(RegulariserSpec):
    #: The penalty is gamma / 2 times the squared norm.
    gamma: PositiveFloat
    #: Computed every so many steps and multiplied by that (Karras et al. 2020, appendix B; Adam's rates stay here).
    #: Null: at each step of an exact training (`training.step`), every 16 steps of a fast one.
    every: PositiveInt | None = None

    def penalty(self, gradient: Tensor) -> Tensor:
        import torch

        wide = gradient.flatten(1).to(torch.promote_types(gradient.dtype, torch.float32))
        return self.gamma / 2 * wide.square().sum(dim=1)


class R1(_GradientPenalty):
    """gamma / 2 * squared gradient norm on real images (Mescheder, Geiger & Nowozin 2018, eq. 9).

    With augmentation: at the augmented images, which are what the discriminator sees.
    """

    kind: Literal["r1"] = "r1"
    papers: ClassVar[tuple[str, ...]] = (literature.STABILITY,)
    on: ClassVar[Literal["real", "fake"]] = "real"


class R2(_GradientPenalty):
    """gamma / 2 * squared gradient norm on generated images (Mescheder, Geiger & Nowozin 2018, eq. 10)."""

    kind: Literal["r2"] = "r2"
    papers: ClassVar[tuple[str, ...]] = (literature.STABILITY,)
    on: ClassVar[Literal["real", "fake"]] = "fake"


class LeCam(LogitPenaltySpec):
    """Keeps logits of real images near those of generated ones, as both have been (Tseng et al. 2021)."""

    kind: Literal["lecam"] = "lecam"
    papers: ClassVar[tuple[str, ...]] = (literature.LECAM,)
    #: Factor of the squared distances. The released code has 0.3 with a hinge loss, 3e-7 with BCE and R1: try some.
    weight: PositiveFloat
    #: Of the moving averages of the logits, per step.
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.99

    def build(self) -> LogitPenalty:
        from ganforge.training import logit_penalty

        return logit_penalty.LeCam(self.weight, self.decay)


Beta = Annotated[float, Field(ge=0, lt=1)]


class Adam(OptimizerSpec):
    """Adam (Kingma & Ba 2015)."""

    kind: Literal["adam"] = "adam"
    papers: ClassVar[tuple[str, ...]] = (literature.ADAM,)
    betas: tuple[Beta, Beta] = (0.0, 0.99)
    eps: PositiveFloat = 1e-8

    def build(self, parameters: list[nn.Parameter], rate: float) -> optim.Optimizer:
        from torch import optim

        return optim.Adam(parameters, lr=rate, betas=self.betas, eps=self.eps, fused=True)


class ConstantRate(RateSpec):
    """The same rate throughout the stage."""

    kind: Literal["constant"] = "constant"
    rate: LearningRate

    def at(self, step: int, num_steps: int) -> float:
        return self.rate


class StepRate(RateSpec):
    """Multiplied by `factor` every `every` steps."""

    kind: Literal["step"] = "step"
    rate: LearningRate
    every: PositiveInt
    factor: PositiveFloat = 0.5

    def at(self, step: int, num_steps: int) -> float:
        return self.rate * self.factor ** (step // self.every)


class CosineRate(RateSpec):
    """From `rate` to `final` along half a cosine (Loshchilov & Hutter 2017, eq. 5)."""

    kind: Literal["cosine"] = "cosine"
    papers: ClassVar[tuple[str, ...]] = (literature.COSINE,)
    rate: LearningRate
    final: NonNegativeFloat = 0.0

    def at(self, step: int, num_steps: int) -> float:
        return self.final + (self.rate - self.final) * (1 + math.cos(math.pi * step / num_steps)) / 2


LOSSES: list[type[LossSpec]] = [BCE, Hinge, Wasserstein]
REGULARISERS: list[type[RegulariserSpec]] = [R1, R2]
LOGIT_PENALTIES: list[type[LogitPenaltySpec]] = [LeCam]
OPTIMIZERS: list[type[OptimizerSpec]] = [Adam]
RATES: list[type[RateSpec]] = [ConstantRate, StepRate, CosineRate]
