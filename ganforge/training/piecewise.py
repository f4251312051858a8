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
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.blocks.operations import Operations, leaky_relu, with_slopes
from ganforge.interfaces import RegulariserSpec
from ganforge.training.routes import Judgement, LossTerm, Route, expect_finite, mean_penalty


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
        inputs = [x, *record.constants]
        delta, *_ = torch.autograd.grad(logits.sum(), inputs, allow_unused=True)
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
            image_gradient = delta.detach() * slope.view(-1, 1, 1, 1)
        return Judgement(d.detach(), None if penalty is None else penalty.detach(), image_gradient)


@dataclass
class _Entry:
    """An operation with parameters, or a constant: its gradient at the output, for a cotangent of 1."""

    delta: Tensor | None = None


class Recording(Operations):
    """First pass: computes in `dtype` and records slopes and, while the backward pass runs, gradients.

    With `keep_inputs` the backward pass also computes the parameters' gradients, for the cotangent that is set by
    then; without, it leaves that to a `Replay`.
    """

    def __init__(self, dtype: torch.dtype, *, keep_inputs: bool) -> None:
        self.dtype = dtype
        self.keep_inputs = keep_inputs
        #: (N,), the derivative of the loss by each logit.
        self.cotangent: Tensor
        #: Leaves for which a gradient must be asked, because no path leads to them from the images.
        self.constants: list[Tensor] = []
        self.entries: list[_Entry] = []
        #: What each leaky ReLU gave; its sign is that of what went in.
        self.outputs: list[Tensor] = []
        self.gradients = Gradients()

    def conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
        fixed = weight.detach().to(self.dtype)
        out = F.conv2d(h, fixed, None if bias is None else bias.detach().to(self.dtype), stride, padding)
        x = h.detach()

        def parameters(scaled: Tensor) -> None:
            self.gradients.conv2d(x, weight, bias, scaled, None, stride, padding)

        return self._watch(out, parameters, needed=_trains(weight, bias))

    def linear(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        out = F.linear(h, weight.detach().to(self.dtype), None if bias is None else bias.detach().to(self.dtype))
        x = h.detach()
        return self._watch(
            out, lambda scaled: self.gradients.linear(x, weight, bias, scaled, None), needed=_trains(weight, bias)
        )

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        out = leaky_relu(h, slope)
        if not self.keep_inputs:
            self.outputs.append(out.detach())
        return out

    def scale(self, h: Tensor, factor: Tensor) -> Tensor:
        x = h.detach()
        return self._watch(
            h * factor.detach().to(self.dtype),
            lambda scaled: self.gradients.add(factor, (x * scaled).sum_to_size(factor.shape)),
            needed=factor.requires_grad,
        )

    def constant(self, value: Tensor) -> Tensor:
        fixed = value.detach().to(self.dtype)
        if not value.requires_grad:
            return fixed
        self.constants.append(fixed.requires_grad_())
        return self._watch(fixed, lambda scaled: self.gradients.add(value, scaled), needed=True)

    def finish(self) -> None:
        self.gradients.accumulate()

    def _watch(self, out: Tensor, parameters, *, needed: bool) -> Tensor:  # type: ignore[no-untyped-def]
        if not needed:
            self.entries.append(_Entry())
            return out
        if self.keep_inputs:
            out.register_hook(lambda delta: parameters(delta * _per_sample(self.cotangent, delta)))
            return out
        entry = _Entry()
        self.entries.append(entry)

        def keep(delta: Tensor) -> None:
            entry.delta = delta

        out.register_hook(keep)
        return out


class Replay(Operations):
    """Second pass: the linear map around the recorded batch, with biases and constants times the cotangent."""

    def __init__(self, record: Recording) -> None:
        self.dtype = record.dtype
        self.cotangent = record.cotangent
        self.gradients = record.gradients
        self._entries = iter(record.entries)
        self._outputs = iter(record.outputs)

    def conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
        delta = self._next_delta()
        with torch.no_grad():
            if delta is not None:
                self.gradients.conv2d(h, weight, bias, delta, self.cotangent, stride, padding)
            out = F.conv2d(h, weight.to(self.dtype), None, stride, padding)
            return out if bias is None else out.add_(self._scaled(bias)[:, :, None, None])

    def linear(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        delta = self._next_delta()
        with torch.no_grad():
            if delta is not None:
                self.gradients.linear(h, weight, bias, delta, self.cotangent)
            out = F.linear(h, weight.to(self.dtype))
            return out if bias is None else out.add_(self._scaled(bias))

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        with torch.no_grad():
            return with_slopes(h, next(self._outputs), slope)

    def scale(self, h: Tensor, factor: Tensor) -> Tensor:
        delta = self._next_delta()
        with torch.no_grad():
            if delta is not None:
                self.gradients.add(factor, (h * delta).sum_to_size(factor.shape))
            return h * factor.to(self.dtype)

    def constant(self, value: Tensor) -> Tensor:
        delta = self._next_delta() if value.requires_grad else None
        with torch.no_grad():
            if delta is not None:
                self.gradients.add(value, delta * _per_sample(self.cotangent, delta))
            return value.to(self.dtype) * _per_sample(self.cotangent, value)

    def finish(self) -> None:
        self.gradients.accumulate()

    def _scaled(self, bias: Tensor) -> Tensor:
        """(N, C)."""
        return torch.outer(self.cotangent, bias).to(self.dtype)

    def _next_delta(self) -> Tensor | None:
        entry = next(self._entries)
        delta, entry.delta = entry.delta, None  # so that memory falls as the pass goes on
        return delta


class Gradients:
    """Gradients by the weights that were used, on their way to the parameters' `grad`."""

    def __init__(self) -> None:
        #: Weights that were computed from parameters, whose gradients go on through autograd in the end.
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def add(self, weight: Tensor, gradient: Tensor) -> None:
        gradient = gradient.to(weight.dtype)
        if not weight.is_leaf:
            self._pairs.append((weight, gradient))
        elif weight.grad is None:
            weight.grad = gradient
        else:
            weight.grad += gradient

    def conv2d(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        delta: Tensor,
        cotangent: Tensor | None,
        stride: int,
        padding: int,
    ) -> None:
        """Of a convolution of x whose output has the gradient delta; the bias was multiplied by the cotangent."""
        if weight.requires_grad:
            _, gradient, _ = torch.ops.aten.convolution_backward(
                delta, x, weight.detach().to(x.dtype), None, (stride, stride), (padding, padding), (1, 1),
                False, (0, 0), 1, (False, True, False),
            )  # fmt: skip
            self.add(weight, gradient)
        self._bias(bias, delta.sum(dim=(2, 3), dtype=torch.promote_types(delta.dtype, torch.float32)), cotangent)

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None, delta: Tensor, cotangent: Tensor | None) -> None:
        if weight.requires_grad:
            self.add(weight, delta.t() @ x)
        self._bias(bias, delta, cotangent)

    def _bias(self, bias: Tensor | None, delta: Tensor, cotangent: Tensor | None) -> None:
        """delta: (N, C)."""
        if bias is not None and bias.requires_grad:
            delta = delta.to(bias.dtype)
            self.add(bias, delta.sum(dim=0) if cotangent is None else cotangent.to(bias.dtype) @ delta)

    def accumulate(self) -> None:
        """Bring the gradients of computed weights to their parameters."""
        if self._pairs:
            weights, gradients = zip(*self._pairs, strict=True)
            torch.autograd.backward(weights, gradients)
        self._pairs.clear()


def _per_sample(factors: Tensor, like: Tensor) -> Tensor:
    """factors: (N,) -> (N, 1, ...), to multiply `like` with."""
    return factors.to(like.dtype).view(-1, *[1] * (like.dim() - 1))


def _trains(weight: Tensor, bias: Tensor | None) -> bool:
    return weight.requires_grad or (bias is not None and bias.requires_grad)
