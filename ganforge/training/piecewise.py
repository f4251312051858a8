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

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from ganforge.interfaces import RegulariserSpec
from ganforge.training.recording import Recording, Replay
from ganforge.training.routes import Judgement, LossTerm, Route, expect_finite, mean_penalty

#: Below, products with a cotangent would come near the smallest numbers of float32 and bfloat16.
SMALLEST_COTANGENT = 1e-20


class PiecewiseRoute(Route):
    """See the module; needs a discriminator all of whose parts declare `piecewise_linear`."""

    def judge(
        self,
        on: Literal["real", "fake"],
        images: Tensor,
        labels: Tensor,
        loss: LossTerm,
        penalties: Sequence[RegulariserSpec] = (),
        seek: LossTerm | None = None,
    ) -> Judgement:
        record = Recording(self.dtype, keep_inputs=not penalties)
        x = images.detach().to(self.dtype).requires_grad_()
        with torch.enable_grad():
            logits: Tensor = self.discriminator(x, labels, record).to(images.dtype)
        d = logits.detach().requires_grad_()
        value = loss(d).mean()
        expect_finite({f"loss_{on}": value})
        (record.cotangent,) = torch.autograd.grad(value, d)
        # sent back: 1 for each sample; or the cotangents, which saves multiplying by them at each layer
        record.sends_cotangent = not penalties and bool((record.cotangent.abs() > SMALLEST_COTANGENT).all())
        sent = record.cotangent if record.sends_cotangent else torch.ones_like(d)
        inputs = [x, *record.constants]
        delta, *_ = torch.autograd.grad(logits, inputs, sent, allow_unused=True)
        delta = delta.to(images.dtype)
        penalty = None
        if penalties:
            leaf = delta.requires_grad_()
            penalty = mean_penalty(leaf, penalties)
            expect_finite({f"penalty_{on}": penalty})
            (v,) = torch.autograd.grad(penalty, leaf)
            replay = Replay(record)
            start = torch.addcmul(v, record.cotangent.view(-1, 1, 1, 1), images.detach())
            self.discriminator(start.to(self.dtype), labels, replay)
            replay.finish()
        else:
            record.finish()
        image_gradient = None
        if seek is not None:
            (slope,) = torch.autograd.grad(seek(d).mean(), d)
            image_gradient = delta.detach() * (slope / sent).view(-1, 1, 1, 1)
        return Judgement(d.detach(), None if penalty is None else penalty.detach(), image_gradient)
