"""The reference step of the benchmarks and ganforge's exact step do the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from cases import networks, planned, recipe_data

from benchmarks.reference import ReferenceStep
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.players import Players
from ganforge.training.specs import BCE, R1, Adam, Hinge, Wasserstein
from ganforge.training.step import RealBatch, TrainStep


@pytest.mark.parametrize("loss", [BCE(), Hinge(), Wasserstein()])
@pytest.mark.parametrize("frozen", [(), ("conv_img.", "resnet_0_0.")])
def test_three_exact_steps_train_as_three_reference_steps(
    loss: BCE | Hinge | Wasserstein, frozen: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "randn", _in_double(torch.randn))
    penalty, probabilities = R1(gamma=10.0), torch.tensor([0.5, 0.5], dtype=torch.float64)
    real = RealBatch(torch.rand(3, 3, 8, 8, dtype=torch.float64) * 2 - 1, torch.tensor([0, 1, 1]))
    found = []
    for kind in ("reference", "exact"):
        generator, discriminator = (network.double() for network in networks(planned(recipe_data())))
        for name, parameter in discriminator.named_parameters():
            parameter.requires_grad_(not name.startswith(frozen or "none"))
        if kind == "reference":
            reference = ReferenceStep(generator, discriminator, loss, penalty, probabilities, 1e-3)
            losses = [reference(real, range(3 * i, 3 * i + 3)) for i in range(3)]
        else:
            adam = Adam()
            players = Players(
                generator,
                discriminator,
                adam.build(list(generator.parameters()), 1e-3),
                adam.build(list(discriminator.parameters()), 1e-3),
            )
            route = PiecewiseRoute(discriminator, torch.float64)
            step = TrainStep(players, loss, [penalty], probabilities, 0, route)
            losses = [step(replace(real), i, range(3 * i, 3 * i + 3)) for i in range(3)]
        found.append(
            (losses, {**generator.state_dict(), **{f"d.{k}": v for k, v in discriminator.state_dict().items()}})
        )
    (expected, parameters), (losses, trained) = found
    for before, after in zip(expected, losses, strict=True):
        assert {name: after[name] for name in before} == pytest.approx(before, rel=1e-8, abs=1e-12)
    for name, value in parameters.items():
        torch.testing.assert_close(trained[name], value, rtol=1e-6, atol=1e-8)


def _in_double(draw):  # type: ignore[no-untyped-def]
    return lambda *shape, **options: draw(*shape, **{"dtype": torch.float64, **options})
