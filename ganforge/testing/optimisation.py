"""Conformance of optimizers and learning rates."""

from __future__ import annotations

import math

from ganforge.interfaces import OptimizerSpec, RateSpec
from ganforge.testing.specs import check_spec, expect


def check_optimizer(spec: OptimizerSpec, rate: float = 0.01) -> None:
    """An optimizer lowers a loss, leaves frozen parameters alone, and continues exactly from its saved state."""
    import copy

    import torch
    from torch import nn

    from ganforge.testing.tensors import normal
    from ganforge.training.optimizers import optimizer_tensors, restore_optimizer

    check_spec(spec)
    kind = spec.kind

    def network() -> nn.Sequential:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()

    x = normal(8, 3)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = (model(x) - 1).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    model = network()
    fixed = next(model.parameters()).requires_grad_(False)
    frozen = fixed.clone()
    optimizer = spec.build(list(model.parameters()), rate)
    expect(isinstance(optimizer, torch.optim.Optimizer), f"{kind}: `build` gives {optimizer!r}, no torch optimizer.")
    expect(
        all("lr" in group and group["lr"] == rate for group in optimizer.param_groups),
        f"{kind}: its groups must hold the rate as `lr`, which the schedule sets.",
    )
    losses = [step(model, optimizer) for _ in range(20)]
    expect(losses[-1] < losses[0], f"{kind}: 20 steps at {rate} don't lower a simple loss.")
    expect(torch.equal(fixed, frozen), f"{kind}: moves a parameter that is frozen.")
    copied = copy.deepcopy(model)
    resumed = spec.build(list(copied.parameters()), rate)
    restore_optimizer(resumed, copied, optimizer_tensors(optimizer, model))
    step(model, optimizer)
    step(copied, resumed)
    expect(
        all(torch.equal(a, b) for a, b in zip(model.parameters(), copied.parameters(), strict=True)),
        f"{kind}: does not continue exactly from its saved state; keep all state as tensors, one set per parameter.",
    )


def check_rate(spec: RateSpec, num_steps: int = 50) -> None:
    """A learning rate is finite and not negative at every step of a stage, and the same when asked again."""
    check_spec(spec)
    rates = [spec.at(step, num_steps) for step in range(num_steps)]
    bad = [(step, rate) for step, rate in enumerate(rates) if not (math.isfinite(rate) and rate >= 0)]
    expect(not bad, f"{spec.kind}: the rate at step {bad[0][0]} is {bad[0][1]}." if bad else "")
    expect(
        rates == [spec.at(step, num_steps) for step in range(num_steps)],
        f"{spec.kind}: the rate changes when asked again.",
    )
    expect(any(rates), f"{spec.kind}: the rate is 0 at every step.")
    expect(math.isfinite(spec.at(0, 1)), f"{spec.kind}: can't serve a stage of one step.")
