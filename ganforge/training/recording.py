"""The two passes of `ganforge.training.piecewise`: one that records, one that computes the linear map it found."""

# N batch, C channels, H W pixels

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ganforge.blocks.operations import Operations, leaky_relu, with_slopes
from ganforge.blocks.pooling import PooledConv3, has_even_sides, pooled_conv3
from ganforge.training.gradients import Gradients


@dataclass
class _Entry:
    """An operation with parameters, or a constant: its gradient at the output, for a cotangent of 1."""

    delta: Tensor | None = None


class Recording(Operations):
    """First pass: computes in `dtype` and records slopes and, while the backward pass runs, gradients.

    With `with_weight_gradients` the backward pass also computes those, for the cotangent that is set by then; without,
    it leaves that to a `Replay`.
    """

    def __init__(self, dtype: torch.dtype, *, with_weight_gradients: bool) -> None:
        self.dtype = dtype
        self.with_weight_gradients = with_weight_gradients
        #: (N,), the derivative of the loss by each logit.
        self.cotangent: Tensor
        #: Whether the backward pass starts from the cotangents and not from 1.
        self.sends_cotangent = False
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

    def shortcut(self, h: Tensor, weight: Tensor) -> Tensor:
        return self.conv2d(h, weight, None)

    def pooled_conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not has_even_sides(h):
            return super().pooled_conv2d(h, weight, bias)
        fixed = weight.detach().to(self.dtype), None if bias is None else bias.detach().to(self.dtype)[None]
        out: Tensor = PooledConv3.apply(h, *fixed)
        x = h.detach()
        return self._watch(
            out,
            lambda scaled: self.gradients.pooled_conv2d(x, weight, bias, scaled, None),
            needed=_trains(weight, bias),
        )

    def linear(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        out = F.linear(h, weight.detach().to(self.dtype), None if bias is None else bias.detach().to(self.dtype))
        x = h.detach()
        return self._watch(
            out, lambda scaled: self.gradients.linear(x, weight, bias, scaled, None), needed=_trains(weight, bias)
        )

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        out = leaky_relu(h, slope)
        if not self.with_weight_gradients:
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
        return self._watch(fixed, lambda scaled: self.gradients.add(value, scaled), needed=True)

    def finish(self) -> None:
        self.gradients.accumulate()
        self.constants.clear()  # their hooks hold the record, which would hold them

    def _watch(self, out: Tensor, parameters: Callable[[Tensor], None], *, needed: bool) -> Tensor:
        if not needed:
            self.entries.append(_Entry())
            return out
        if not out.requires_grad:
            self.constants.append(out.requires_grad_())
        if self.with_weight_gradients:
            out.register_hook(lambda delta: parameters(self._scaled(delta)))
            return out
        entry = _Entry()
        self.entries.append(entry)

        def keep(delta: Tensor) -> None:
            entry.delta = delta

        out.register_hook(keep)
        return out

    def _scaled(self, delta: Tensor) -> Tensor:
        return delta if self.sends_cotangent else delta * _per_sample(self.cotangent, delta)


class Replay(Operations):
    """Second pass: the linear map around the recorded batch, with biases and constants times the cotangent."""

    def __init__(self, record: Recording) -> None:
        self.dtype = record.dtype
        self.cotangent = record.cotangent
        self.gradients = record.gradients
        self._entries = iter(record.entries)
        self._outputs = record.outputs
        self._outputs.reverse()  # each is let go of when it was used

    def conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: int = 0) -> Tensor:
        delta = self._next_delta()
        with torch.no_grad():
            if delta is not None:
                self.gradients.conv2d(h, weight, bias, delta, self.cotangent, stride, padding)
            out = F.conv2d(h, weight.to(self.dtype), None, stride, padding)
            return out if bias is None else out.add_(self._scaled(bias)[:, :, None, None])

    def shortcut(self, h: Tensor, weight: Tensor) -> Tensor:
        return self.conv2d(h, weight, None)

    def pooled_conv2d(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not has_even_sides(h):
            return super().pooled_conv2d(h, weight, bias)
        delta = self._next_delta()
        with torch.no_grad():
            if delta is not None:
                self.gradients.pooled_conv2d(h, weight, bias, delta, self.cotangent)
            return pooled_conv3(h, weight.to(self.dtype), None if bias is None else self._scaled(bias))

    def linear(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        delta = self._next_delta()
        with torch.no_grad():
            if delta is not None:
                self.gradients.linear(h, weight, bias, delta, self.cotangent)
            out = F.linear(h, weight.to(self.dtype))
            return out if bias is None else out.add_(self._scaled(bias))

    def leaky_relu(self, h: Tensor, slope: float = 0.2) -> Tensor:
        with torch.no_grad():
            return with_slopes(h, self._outputs.pop(), slope)

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
            return (value * _per_sample(self.cotangent, value)).to(self.dtype)

    def finish(self) -> None:
        """The record's own `finish` then brings the gradients to the parameters."""
        assert next(self._entries, None) is None and not self._outputs

    def _scaled(self, bias: Tensor) -> Tensor:
        """(N, C)."""
        return torch.outer(self.cotangent, bias).to(self.dtype)

    def _next_delta(self) -> Tensor | None:
        entry = next(self._entries)
        delta, entry.delta = entry.delta, None  # so that memory falls as the pass goes on
        return delta


def _per_sample(factors: Tensor, like: Tensor) -> Tensor:
    """factors: (N,) -> (N, 1, ...), to multiply `like` with."""
    return factors.to(like.dtype).view(-1, *[1] * (like.dim() - 1))


def _trains(weight: Tensor, bias: Tensor | None) -> bool:
    return weight.requires_grad or (bias is not None and bias.requires_grad)
