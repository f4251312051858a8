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

from ganforge.training.recording import Recording, Replay
from ganforge.training.routes import Case, Judgement, Look, Route, Seen, expect_finite, look, mean_penalty

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
        images = torch.cat([case.images.detach() for case in cases])
        looks = [look(self.discriminator, case) for case in cases]
        x, logits = self._forward(images, torch.cat([case.labels for case in cases]), record, _joined(looks))
        d = logits.detach().requires_grad_()
        sizes = [len(case.images) for case in cases]
        values = [case.loss(part).mean() for case, part in zip(cases, d.split(sizes), strict=True)]
        for case, value in zip(cases, values, strict=True):
            expect_finite({f"loss_{case.on}": value})
        (record.cotangent,) = torch.autograd.grad(torch.stack(values).sum(), d)
        # sent back: the cotangents, which saves multiplying by them at each layer; or 1 for each sample
        record.sends_cotangent = bool((record.cotangent.abs() > SMALLEST_COTANGENT).all())
        sent = record.cotangent if record.sends_cotangent else torch.ones_like(d)
        delta, by_features = _backward(logits, x, record, sent, looks)
        record.finish()
        parts = zip(cases, d.detach().split(sizes), delta.split(sizes), by_features, sent.split(sizes), strict=True)
        return [
            Judgement(d, None, _image_gradient(case, d, (delta, seen), sent)) for case, d, delta, seen, sent in parts
        ]

    def _judge_penalised(self, case: Case) -> Judgement:
        record = Recording(self.dtype, with_weight_gradients=False)
        images = case.images.detach()
        looked_at, seen = look(self.discriminator, case)
        x, logits = self._forward(images, case.labels, record, seen)
        d = logits.detach().requires_grad_()
        value = case.loss(d).mean()
        expect_finite({f"loss_{case.on}": value})
        (record.cotangent,) = torch.autograd.grad(value, d)
        ones = torch.ones_like(d)
        delta, (by_features,) = _backward(logits, x, record, ones, [(looked_at, seen)])
        delta.requires_grad_()
        penalty = mean_penalty(delta, case.penalties)
        expect_finite({f"penalty_{case.on}": penalty})
        (v,) = torch.autograd.grad(penalty, delta)
        replay = Replay(record)
        start = torch.addcmul(v, record.cotangent.view(-1, 1, 1, 1), images)
        given = None if seen is None else {site: features.detach() for site, features in seen.items()}
        self.discriminator(start.to(self.dtype), case.labels, replay, given)
        replay.finish()
        record.finish()
        d, delta = d.detach(), delta.detach()
        return Judgement(d, penalty.detach(), _image_gradient(case, d, (delta, by_features), ones))

    def _forward(self, images: Tensor, labels: Tensor, record: Recording, seen: Seen | None) -> tuple[Tensor, Tensor]:
        """The images as a leaf, and their logits (N,)."""
        x = images.to(self.dtype).requires_grad_()
        with torch.enable_grad():
            logits: Tensor = self.discriminator(x, labels, record, seen)
        return x, logits.to(images.dtype)


def _joined(looks: Sequence[Look]) -> Seen | None:
    """What was seen in all cases, one after the other."""
    seen = [features for _, features in looks if features is not None]
    return {site: torch.cat([each[site] for each in seen]) for site in seen[0]} if seen else None


def _backward(
    logits: Tensor, x: Tensor, record: Recording, sent: Tensor, looks: Sequence[Look]
) -> tuple[Tensor, list[Tensor | None]]:
    """(N, 3, H, W), the gradient of <logits, sent> by the images, with the pretrained features held fixed.

    And, for each look, that by way of the features, where it has a graph. The record sees those at the layers' outputs.
    """
    leaves = [leaf for leaf, seen in looks if seen is not None and leaf.requires_grad]
    found = torch.autograd.grad(logits, [x, *leaves, *record.constants], sent, allow_unused=True)
    by_features = dict(zip(map(id, leaves), found[1 : 1 + len(leaves)], strict=True))
    return found[0].to(logits.dtype), [by_features.get(id(leaf)) for leaf, _ in looks]


def _image_gradient(case: Case, d: Tensor, deltas: tuple[Tensor, Tensor | None], sent: Tensor) -> Tensor | None:
    """The sum of the gradients for `sent` as that of the mean of the generator's loss."""
    if case.generator_loss is None:
        return None
    leaf = d.clone().requires_grad_()
    (slope,) = torch.autograd.grad(case.generator_loss(leaf).mean(), leaf)
    direct, by_features = deltas
    delta = direct.detach() if by_features is None else direct.detach() + by_features
    return delta * (slope / sent).view(-1, 1, 1, 1)
