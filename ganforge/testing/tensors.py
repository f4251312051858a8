"""What the checks of modules share: random numbers, comparison, gradients. All in float64."""

# N batch

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ganforge.testing.specs import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Samples in a batch.
BATCH = 3


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, a function of shape and seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def randomise(module: nn.Module, seed: int = 1) -> None:
    """Draw all parameters from N(0, 0.5), so that no zero hides what stands behind it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))


def build(make: Callable[[], nn.Module], kind: str) -> nn.Module:
    """The module in float64; the same twice for the same seed of torch's global generator."""
    modules = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            modules.append(make().double())
    first, second = (module.state_dict() for module in modules)
    expect(
        first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first),
        f"{kind}: two builds under the same seed differ; draw first values from torch's global generator alone.",
    )
    return modules[0]


def same(left: Tensor, right: Tensor) -> bool:
    """Equal shape, and values equal to 1e-9."""
    return left.shape == right.shape and torch.allclose(left, right, rtol=1e-9, atol=1e-9)


def check_rows(function: Callable[[list[int]], Tensor], what: str) -> None:
    """Each row of a batch must be what the sample gives alone; `function` computes the samples of a list."""
    together = function(list(range(BATCH)))
    alone = torch.cat([function([sample]) for sample in range(BATCH)])
    expect(
        same(together, alone),
        f"{what}: the result for a sample depends on the other samples of its batch, so results would "
        "change with the batch size (batch normalisation does this).",
    )


def passes_gradient(out: Tensor, x: Tensor) -> bool:
    """Whether a finite gradient that is not all zero reaches x from out."""
    if not out.requires_grad:
        return False
    weights = normal(*out.shape, seed=5).to(out.dtype)
    (gradient,) = torch.autograd.grad((out * weights).sum(), x, create_graph=True, allow_unused=True)
    return gradient is not None and bool(torch.isfinite(gradient).all()) and bool((gradient != 0).any())


def check_gradients(out: Tensor, module: nn.Module, what: str) -> None:
    """Every parameter must get a finite gradient from `out`, also through a double backward."""
    weights = normal(*out.shape, seed=5)
    parameters = dict(module.named_parameters())
    if not parameters:
        return
    gradients = torch.autograd.grad(
        (out * weights).sum(), list(parameters.values()), create_graph=True, allow_unused=True
    )
    unused = [name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None]
    expect(not unused, f"{what}: no gradient reaches {', '.join(unused)}, so it could never train.")
    bad = [
        name
        for name, gradient in zip(parameters, gradients, strict=True)
        if gradient is not None and not bool(torch.isfinite(gradient).all())
    ]
    expect(not bad, f"{what}: the gradient of {', '.join(bad)} is not finite.")


@contextmanager
def no_global_randomness(what: str) -> Iterator[None]:
    """Within the block torch's global generator must not be used."""
    before = torch.get_rng_state()
    yield
    expect(
        torch.equal(before, torch.get_rng_state()),
        f"{what}: draws from torch's global generator, so that a resumed run would differ. "
        "Take random numbers from what is passed in.",
    )
