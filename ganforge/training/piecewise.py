"""Gradients of a piecewise linear discriminator, without differentiating twice and with one pass on fakes.

Around a batch such a network is linear: with its leaky ReLUs' slopes held fixed, the logit of sample i is
d_i = <delta_i, x_i> + (what comes from biases), where delta_i = grad of d_i by x_i. Hence

- the gradient of a penalty on delta by a parameter is that of the linear map's value at v, the penalty's own
  gradient by delta: no second derivative of the network is needed;
- losses and penalties together are the linear map's gradient at c * x + v with biases times c, where c_i is the
  derivative of the loss by d_i. The gradients at the layers' outputs, for a cotangent of 1, are those that the first
  backward pass found, so that one linear forward pass and the parameters' own gradients remain;
- the gradient that a generator receives at image i is delta_i times the derivative of its loss by d_i.

Needs each sample to be treated alone. Slopes have no derivative almost everywhere, as in autograd.
"""

# N batch, C=3 channels, H W pixels
# d logits, c derivative of the loss by them ("cotangent"): (N,); v gradient of the penalty by delta: (N, 3, H, W)

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganforge.networks.staged import Discriminator
from ganforge.plan.plan import NetworkPlan
from ganforge.training.look import Look
from ganforge.training.recording import Recording, Replay
from ganforge.training.routes import AutogradRoute, Case, Judgement, Route, expect_finite, mean_penalty

#: Below, products with a cotangent would come near the smallest numbers of float32 and bfloat16.
SMALLEST_COTANGENT = 1e-20


class PiecewiseRoute(Route):
    """See the module; needs a discriminator all of whose parts declare `piecewise_linear`."""

    def judge(self, *cases: Case) -> list[Judgement]:
        """Those without a penalty in one pass: the weights of deep layers are read and their gradients written once."""
        plain = [case for case in cases if not case.penalties]
        judged = iter(self._judge_plain(plain) if plain else ())
        return [self._judge_penalised(case) if case.penalties else next(judged) for case in cases]

    def _judge_plain(self, cases: Sequence[Case]) -> list[Judgement]:
        record = Recording(self.dtype, with_weight_gradients=True)
        looks = [Look(self.discriminator, case.images, learns=case.generator_loss is not None) for case in cases]
        given = {site: torch.cat([look.given[site] for look in looks]) for site in looks[0].given}
        images = torch.cat([case.images.detach() for case in cases])
        inputs, logits = self._forward(images, torch.cat([case.labels for case in cases]), record, given)
        d = logits.detach().requires_grad_()
        sizes = [len(case.images) for case in cases]
        values = [case.mean(case.loss(part)) for case, part in zip(cases, d.split(sizes), strict=True)]
        for case, value in zip(cases, values, strict=True):
            expect_finite({f"loss_{case.on}": value})
        (record.cotangent,) = torch.autograd.grad(torch.stack(values).sum(), d)
        # sent back: the cotangents, which saves multiplying by them at each layer; or 1 for each sample
        record.sends_cotangent = bool((record.cotangent.abs() > SMALLEST_COTANGENT).all())
        sent = record.cotangent if record.sends_cotangent else torch.ones_like(d)
        deltas = zip(*(delta.split(sizes) for delta in _backward(logits, inputs, record, sent)), strict=True)
        record.finish()
        parts = zip(cases, looks, d.detach().split(sizes), deltas, sent.split(sizes), strict=True)
        return [Judgement(d, None, _image_gradient(case, look, d, delta, sent)) for case, look, d, delta, sent in parts]

    def _judge_penalised(self, case: Case) -> Judgement:
        record = Recording(self.dtype, with_weight_gradients=False)
        look = Look(self.discriminator, case.images, learns=case.generator_loss is not None)
        images = case.images.detach()
        inputs, logits = self._forward(images, case.labels, record, look.given)
        d = logits.detach().requires_grad_()
        value = case.mean(case.loss(d))
        expect_finite({f"loss_{case.on}": value})
        (record.cotangent,) = torch.autograd.grad(value, d)
        ones = torch.ones_like(d)
        deltas = [delta.requires_grad_() for delta in _backward(logits, inputs, record, ones)]
        penalty = mean_penalty(deltas, case)
        expect_finite({f"penalty_{case.on}": penalty.in_loss})
        values = [images, *(features.detach() for features in look.given.values())]
        slopes = torch.autograd.grad(penalty.in_loss, deltas)
        factors = record.cotangent.view(-1, 1, 1, 1)
        start, *given = (torch.addcmul(v, factors, value) for v, value in zip(slopes, values, strict=True))
        replay = Replay(record)
        self.discriminator(start.to(self.dtype), case.labels, replay, dict(zip(look.given, given, strict=True)))
        replay.finish()
        record.finish()
        deltas = [delta.detach() for delta in deltas]
        return Judgement(d.detach(), penalty.mean, _image_gradient(case, look, d.detach(), deltas, ones))

    def _forward(
        self, images: Tensor, labels: Tensor, record: Recording, given: dict[int, Tensor]
    ) -> tuple[list[Tensor], Tensor]:
        """The images as a leaf and the given features, and the logits (N,) of both."""
        x = images.to(self.dtype).requires_grad_()
        with torch.enable_grad():
            logits: Tensor = self.discriminator(x, labels, record, given)
        return [x, *given.values()], logits.to(images.dtype)


def _backward(logits: Tensor, inputs: Sequence[Tensor], record: Recording, sent: Tensor) -> list[Tensor]:
    """The gradients of <logits, sent> by each of the inputs; the record sees those at the layers' outputs."""
    found = torch.autograd.grad(logits, [*inputs, *record.constants], sent, allow_unused=True)
    return [delta.to(logits.dtype) for delta in found[: len(inputs)]]


def _image_gradient(case: Case, look: Look, d: Tensor, deltas: Sequence[Tensor], sent: Tensor) -> Tensor | None:
    """The gradients by image and features, for `sent`, as that of the mean of the generator's loss by the image."""
    if case.generator_loss is None:
        return None
    leaf = d.clone().requires_grad_()
    (slope,) = torch.autograd.grad(case.mean(case.generator_loss(leaf)), leaf)
    direct, *by_given = deltas
    return look.with_features(direct, by_given) * (slope / sent).view(-1, 1, 1, 1)


def route_for(plan: NetworkPlan, discriminator: Discriminator, dtype: torch.dtype) -> Route:
    """The quickest route that the discriminator's parts allow."""
    kind = AutogradRoute if plan.not_piecewise_linear else PiecewiseRoute
    return kind(discriminator, dtype)
