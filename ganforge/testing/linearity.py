"""Conformance of what declares `piecewise_linear`."""

# N batch, C channels, H W pixels

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganforge.blocks.operations import PLAIN, Operations
from ganforge.interfaces import RegulariserSpec
from ganforge.testing.specs import expect
from ganforge.testing.tensors import normal, same
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.routes import AutogradRoute, Case
from ganforge.training.specs import BCE, R1


def check_piecewise_linear(
    kind: str, function: Callable[[Tensor, Operations], Tensor], module: nn.Module, h: Tensor
) -> None:
    """A discriminator with the module in it must get the same gradients by both routes, with and without a penalty.

    function: computes the module for features like h: (N, *shape) with the given operations.
    """
    discriminator = _Around(function, module, function(h, PLAIN))
    named = list(discriminator.named_parameters())
    penalties: tuple[tuple[RegulariserSpec, ...], ...] = ((), (R1(gamma=3.0),))
    for due in penalties:
        found = []
        for route in (AutogradRoute, PiecewiseRoute):
            discriminator.zero_grad()
            try:
                case = Case("real", h, torch.zeros(len(h)), BCE().discriminator_real, due, BCE().generator)
                (judged,) = route(discriminator, h.dtype).judge(case)  # type: ignore[arg-type]
            except (RuntimeError, StopIteration, TypeError, ValueError) as error:
                expect(False, f"{kind}: is not `piecewise_linear` as it declares; computing it so gives: {error}")
            gradients = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in named}
            found.append((judged, {name: gradient.clone() for name, gradient in gradients.items()}))
        (plain, by_autograd), (fast, by_linearity) = found
        assert plain.image_gradient is not None and fast.image_gradient is not None
        off = [name.removeprefix("module.") for name in by_autograd if not same(by_autograd[name], by_linearity[name])]
        expect(
            not off and same(plain.logits, fast.logits) and same(plain.image_gradient, fast.image_gradient),
            f"{kind}: is not `piecewise_linear` as it declares: {', '.join(off) or 'its input'} gets another gradient "
            "than from autograd. Compute with `context.ops` all that has parameters, labels or a leaky ReLU.",
        )


class _Around(nn.Module):
    """Logits of what the function gives: one more leaky ReLU and a layer, whose gradient sees what came out."""

    def __init__(self, function: Callable[[Tensor, Operations], Tensor], module: nn.Module, out: Tensor) -> None:
        super().__init__()
        self.function, self.module = function, module
        self.weight = nn.Parameter(normal(1, out[0].numel(), seed=6))

    def see(self, images: Tensor) -> dict[int, Tensor]:
        """No pretrained features."""
        return {}

    def forward(
        self, h: Tensor, labels: Tensor, ops: Operations = PLAIN, seen: dict[int, Tensor] | None = None
    ) -> Tensor:
        out = ops.leaky_relu(self.function(h, ops))
        return ops.linear(out.reshape(len(h), -1), self.weight, None)[:, 0]
