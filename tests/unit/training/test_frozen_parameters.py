"""What is frozen does not move, and everything else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from cases import SLOW_PROPERTY, networks, planned, randomise, recipe_data, stage
from hypothesis import given
from hypothesis import strategies as st
from trainings import tensors, trainer

from ganforge.blocks.base import Context
from ganforge.listener import Listener

GENERATOR_GLOBS = ("fc.*", "style_*", "*.adafm_*", "resnet_0_0.conv_?.*", "mapping.*", "conv_img.*")
DISCRIMINATOR_GLOBS = ("conv_img.*", "resnet_0_*", "*.bias", "resnet_1_0.conv_0.weight")


class Snapshots(Listener):
    """The tensors of a trainer at the end of each stage."""

    def __init__(self) -> None:
        self.taken: list[dict[str, torch.Tensor]] = []
        self.trainer: Any = None

    def stage(self, name: str, table: Any) -> None:
        self.taken.append(tensors(self.trainer))


@SLOW_PROPERTY
@given(
    frozen=st.lists(
        st.tuples(st.sets(st.sampled_from(GENERATOR_GLOBS)), st.sets(st.sampled_from(DISCRIMINATOR_GLOBS))),
        min_size=2,
        max_size=3,
    )
)
def test_frozen_tensors_stay_bit_identical_also_when_frozen_again(
    frozen: list[tuple[set[str], set[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = recipe_data(generator="transfer")
    data["output"] = {"samples_every": 9, "checkpoints_every": 9, "columns": 1}
    data["stages"] = [
        stage(
            f"s{index}",
            steps=2,
            generator=[{"freeze": glob} for glob in sorted(generator)],
            discriminator=[{"freeze": glob} for glob in sorted(discriminator)],
        )
        for index, (generator, discriminator) in enumerate(frozen)
    ]
    snapshots = Snapshots()
    run = trainer(data, tmp_path_factory.mktemp("run"), snapshots)
    snapshots.trainer = run
    run.fit()
    taken = [*snapshots.taken, tensors(run)]
    for index in range(len(frozen)):
        for name in ("generator", "discriminator"):
            for key, is_trained in run.plan.network(name).trains[index].items():  # type: ignore[arg-type]
                before, after = taken[index][f"{name}.{key}"], taken[index + 1][f"{name}.{key}"]
                if not is_trained:
                    assert torch.equal(before, after), f"{name}.{key} moved in stage {index}"
                elif not _is_idle(key, before):
                    assert not torch.equal(before, after), f"{name}.{key} did not train in stage {index}"


def _is_idle(key: str, value: torch.Tensor) -> bool:
    """Biases in front of a normalisation that takes them away get a gradient of rounding errors at most."""
    return key.startswith("style_") and key.endswith((".conv_0.bias", ".conv_1.bias"))


def test_the_moving_average_keeps_frozen_tensors_as_they_are(tmp_path: Path) -> None:
    data = recipe_data()
    data["stages"] = [stage(steps=3, generator=[{"freeze": "resnet_*"}])]
    run = trainer(data, tmp_path)
    before = {key: value.clone() for key, value in run.average.network.state_dict().items()}
    run.fit()
    moved = [key for key, value in run.average.network.state_dict().items() if not torch.equal(value, before[key])]
    assert moved == ["fc.weight", "fc.bias", "conv_img.weight", "conv_img.bias"]


@pytest.mark.parametrize(
    ("generator", "network"), [("gp_gan", "gp_gan"), ("style", "gp_gan"), ("transfer", "third_party")]
)
def test_a_gradient_reaches_each_parameter(generator: str, network: str, tmp_path: Path) -> None:
    data = recipe_data(generator, network)
    data["generator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}}]
    data["discriminator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "projection"}}]
    g, d = networks(planned(data), double=True)
    randomise(g, 1)
    randomise(d, 2)
    noise = torch.randn(4, 1, 16, 16, dtype=torch.float64)
    context = Context(noise=lambda height, width: noise[:, :, :height, :width])
    z, labels = torch.randn(4, 4, dtype=torch.float64), torch.tensor([0, 1, 0, 1])
    fakes = g(z, labels, context)
    d(fakes, labels).square().sum().backward()
    for name, parameter in [*g.named_parameters(), *d.named_parameters()]:
        assert parameter.grad is not None, name
        if not _is_idle(name, parameter):
            assert bool((parameter.grad != 0).any()), name
