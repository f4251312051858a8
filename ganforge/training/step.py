"""One training step: the generator first, then the discriminator on the same fakes, as published.

The discriminator does not change between the two, so that one pass on the fakes serves both players, and where no
penalty is due the same pass judges the real images.
"""

# N batch, Z latent, C=3 channels, H W pixels

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, optim

from ganforge.blocks.base import Context
from ganforge.devices import moved
from ganforge.interfaces import LossSpec, RegulariserSpec
from ganforge.processes.group import ALONE
from ganforge.processes.stop import Stops
from ganforge.randomness import Draws, draw_categories
from ganforge.training.exchange import Exchange
from ganforge.training.passes import Passes, pooled, spread
from ganforge.training.players import Players
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
    """Samples of a batch that are computed together. batch_size: of the whole batch, None if these are all."""

    real: RealBatch
    samples: Sequence[int]
    batch_size: int | None


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
        exchange: Exchange | None = None,
    ) -> None:
        """regularisers: those without an interval are due at each step.

        wrong_labels: weight of the loss on real images with a wrong label, over that on real ones of the class.
        generator_dtype: bfloat16 computes the generator's convolutions in it; any other changes nothing.
        microbatch: images that are computed together, their gradients added up; None: all that there are.
        exchange: with the other processes; None: there are none.
        """
        self.players = players
        self.loss = loss
        self.regularisers = regularisers
        self.class_probabilities = class_probabilities
        self.seed = seed
        self.route = route
        self.generator_dtype = generator_dtype
        self.wrong_labels = wrong_labels
        self._wrong_weights = wrong_labels * wrong_label_weights(class_probabilities)
        self.microbatch = microbatch
        self.exchange = exchange or Exchange(ALONE, Stops())

    def compute_in(self, route: Route, generator_dtype: torch.dtype, regularisers: Sequence[RegulariserSpec]) -> None:
        """Compute the same in another way from now on; arguments as when it was made."""
        self.route, self.generator_dtype, self.regularisers = route, generator_dtype, regularisers

    def __call__(self, real: RealBatch, step: int, samples: Sequence[int]) -> dict[str, float]:
        """One update of both players. Returns the mean losses and logits of the step.

        real, samples: this process's share of the batch. Raises NonFiniteError, before a parameter of the player
        concerned has changed.
        """
        players = self.players
        due = [regulariser for regulariser in self.regularisers if step % (regulariser.every or 1) == 0]
        on_fakes, on_reals = ([r for r in due if r.on == on] for on in ("fake", "real"))
        players.generator_optimizer.zero_grad(set_to_none=True)
        players.discriminator_optimizer.zero_grad(set_to_none=True)

        parts = self._parts(real, samples)
        passes = Passes()
        problem = _attempt(lambda: self._judge_fakes(parts, on_fakes, passes, with_reals=not due))
        self.exchange.add_up(players.generator.parameters(), "the generator's loss", problem)
        _update(players.generator_optimizer, "the generator's loss")

        problem = _attempt(lambda: self._judge_reals(parts, on_reals, passes)) if due else None
        fake, judged_real, *judged_wrong = passes.joined(self._blank(real, on_reals) if problem else None)
        of_samples = {"fake": fake.logits, "real": judged_real.logits}
        if judged_wrong:
            of_samples["wrong_label"] = judged_wrong[0].logits
        of_samples |= {"pooled_real": pooled(real.images), "pooled_fake": torch.cat(passes.generated)}
        penalties = {"penalty_real": judged_real.penalty, "penalty_fake": fake.penalty}
        whole = self.exchange.add_up(
            players.discriminator.parameters(),
            "the discriminator's loss",
            problem,
            of_samples,
            {name: penalty for name, penalty in penalties.items() if penalty is not None},
        )
        _update(players.discriminator_optimizer, "the discriminator's loss")
        found = self._metrics(whole)
        # the device is awaited once for all of them
        metrics = dict(zip(found, torch.stack(list(found.values())).tolist(), strict=True))
        for augmentation in players.augmentations.values():
            augmentation.observe(whole["real"])
        for penalty in players.logit_penalties.values():
            penalty.observe(whole["real"], whole["fake"])
        return metrics

    def _judge_fakes(
        self, parts: Sequence[Part], penalties: Sequence[RegulariserSpec], passes: Passes, *, with_reals: bool
    ) -> None:
        """One pass for both players, and for the real images where no penalty is due."""
        for part in parts:
            fakes = self.draw_fakes(part.samples, part.real.images.device, self.generator_dtype)
            # a penalty needs memory: first let go of what the generator keeps
            reals = self._real_cases(part) if with_reals else []
            fake, *judged = self.route.judge(self._fake_case(part, fakes, penalties), *reals)
            expect_finite({"loss_generator": self.loss.generator(fake.logits).mean()})
            fakes.augmented.backward(fake.image_gradient)
            passes.generated.append(pooled(fakes.images.detach()))
            passes.on_fake.append(fake)
            if with_reals:
                passes.on_real.append(judged)

    def _judge_reals(self, parts: Sequence[Part], penalties: Sequence[RegulariserSpec], passes: Passes) -> None:
        for part in parts:
            passes.on_real.append(self.route.judge(*self._real_cases(part, penalties)))

    def _blank(self, real: RealBatch, penalties: Sequence[RegulariserSpec]) -> list[Judgement]:
        """What a process sends in the place of judgements that failed, for the others must not wait for it."""
        zeros = real.images.new_zeros(len(real.images))
        wrong = [Judgement(zeros, None, None)] if self.wrong_labels else []
        return [Judgement(zeros, zeros.sum() if penalties else None, None), *wrong]

    def _metrics(self, whole: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Of the whole batch, whichever process judged its parts."""
        fake, real = whole["fake"], whole["real"]
        metrics = {
            "loss_generator": self.loss.generator(fake).mean(),
            "loss_real": self.loss.discriminator_real(real).mean(),
            "loss_fake": self.loss.discriminator_fake(fake).mean(),
            "logit_real": real.mean(),
            "logit_fake": fake.mean(),
            "spread_real": spread(whole["pooled_real"]),
            "spread_fake": spread(whole["pooled_fake"]),
        }
        for name, penalty in self.players.logit_penalties.items():
            metrics[f"penalty_{name}"] = penalty.real(real).mean() + penalty.fake(fake).mean()
        if "wrong_label" in whole:
            metrics["logit_wrong_label"] = whole["wrong_label"].mean()
        return metrics | {name: whole[name] for name in ("penalty_real", "penalty_fake") if name in whole}

    def _parts(self, real: RealBatch, samples: Sequence[int]) -> list[Part]:
        num, size = len(samples), self.microbatch or len(samples)
        whole = num * self.exchange.processes.size
        if size >= num == whole:
            return [Part(real, samples, None)]
        bounds = [slice(first, first + size) for first in range(0, num, size)]
        return [Part(RealBatch(real.images[at], real.labels[at]), samples[at], whole) for at in bounds]

    def _fake_case(self, part: Part, fakes: Fakes, penalties: Sequence[RegulariserSpec]) -> Case:
        """One pass for both players."""
        generator_loss = self.loss.generator
        return Case("fake", fakes.augmented, fakes.labels, self._fake_loss, penalties, generator_loss, part.batch_size)

    def _real_cases(self, part: Part, penalties: Sequence[RegulariserSpec] = ()) -> list[Case]:
        reals = self._augment(part.real.images, "real", part.samples)
        case = Case("real", reals, part.real.labels, self._real_loss, penalties, batch_size=part.batch_size)
        return [case, *self._with_wrong_labels(case, part.samples)]

    def _with_wrong_labels(self, real: Case, samples: Sequence[int]) -> list[Case]:
        """Real images with a label that is not theirs, which the discriminator is to take for generated ones."""
        if not self.wrong_labels:
            return []
        num_classes = len(self.class_probabilities)
        draws = Draws(self.seed, "wrong label", samples, real.labels.device)
        others = 1 + (draws.uniform() * (num_classes - 1)).long().clamp(max=num_classes - 2)
        wrong = (real.labels + others) % num_classes
        weights = self._wrong_weights.to(real.images)[wrong]

        def loss(logits: Tensor) -> Tensor:
            return weights * self._fake_loss(logits)

        return [Case("wrong_label", real.images, wrong, loss, batch_size=real.batch_size)]

    def _real_loss(self, logits: Tensor) -> Tensor:
        loss = self.loss.discriminator_real(logits)
        for penalty in self.players.logit_penalties.values():
            loss = loss + penalty.real(logits)
        return loss

    def _fake_loss(self, logits: Tensor) -> Tensor:
        loss = self.loss.discriminator_fake(logits)
        for penalty in self.players.logit_penalties.values():
            loss = loss + penalty.fake(logits)
        return loss

    def draw_fakes(self, samples: Sequence[int], device: torch.device, dtype: torch.dtype) -> Fakes:
        """A batch by the numbers of its samples; dtype: bfloat16 for the generator's convolutions, or else float32."""
        draws = Draws(self.seed, "fake", samples, device)
        z = draws.normal(self.players.generator.latent_dim)
        labels = moved(draw_categories(draws, self.class_probabilities), device)
        half = dtype == torch.bfloat16
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
            fakes: Tensor = self.players.generator(z, labels, Context(noise=draws.noise))
        fakes = fakes.float() if half else fakes
        return Fakes(fakes, self._augment(fakes, "fake", samples), labels)

    def _augment(self, images: Tensor, which: Literal["real", "fake"], samples: Sequence[int]) -> Tensor:
        for index, augmentation in enumerate(self.players.augmentations.values()):
            if augmentation.reals_only and which == "fake":
                continue
            draws = Draws(self.seed, f"augment {which} {index}", samples, images.device)
            images = augmentation(images, draws)
        return images


def wrong_label_weights(probabilities: Tensor) -> Tensor:
    """Weights (K,) by which real images with a wrong label weigh in each class what those of the class do.

    probabilities: (K,), of each class among the real images. A wrong label is any other with the same probability, so
    that of all images sum_{j != k} p_j / (K - 1) get class k, more than its own p_k where it is rare. Weighted, and
    times `wrong_labels` w, they are w p_k in each class. Where a discriminator can no longer tell f_k, the images of
    class k, from the generated g_k with w of the others' r_k, it is g_k = f_k + w (f_k - r_k), where that is positive:
    what is typical of a class is exaggerated, what it has in common with others stays. Unweighted, w would be larger
    in rarer classes.
    """
    others = (1 - probabilities) / max(len(probabilities) - 1, 1)
    return torch.where(others > 0, probabilities / others, 0)


def _attempt(passes: Callable[[], None]) -> NonFiniteError | None:
    """The error by which the passes ended, for the processes to agree on."""
    try:
        passes()
    except NonFiniteError as error:
        return error
    return None


def _update(optimizer: optim.Optimizer, what: str) -> None:
    gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    if not torch.isfinite(norm):
        raise NonFiniteError(f"the gradient of {what} became {norm.item()}")
    optimizer.step()
