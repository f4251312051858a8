"""What holds for every network: seeds, rows, shapes."""

from __future__ import annotations

import torch
from cases import DISCRIMINATORS, GENERATORS, PROPERTY, SLOW_PROPERTY, networks, planned, recipe_data
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganforge.blocks.base import Context
from ganforge.blocks.residual import ResidualBlock
from ganforge.networks.initialisation import VariancePreserving
from ganforge.plan.plan import Plan

PLANS: dict[tuple[str, str, str], Plan] = {}
designs = st.tuples(
    st.sampled_from(list(GENERATORS)),
    st.sampled_from(list(DISCRIMINATORS)),
    st.sampled_from(["published", "variance_preserving"]),
)


def plan_of(design: tuple[str, str, str]) -> Plan:
    """The plan, walked once for each design."""
    if design not in PLANS:
        data = recipe_data(*design[:2])
        for name in ("generator", "discriminator"):
            data[name]["initialisation"] = {"kind": design[2]}
        data["generator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}}]
        PLANS[design] = planned(data)
    return PLANS[design]


def equal(left: nn.Module, right: nn.Module) -> bool:
    values = zip(left.state_dict().values(), right.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in values)


@PROPERTY
@given(designs, st.integers(0, 2**31), st.integers(0, 2**31))
def test_the_same_seed_gives_the_same_network_whatever_was_drawn_before(
    design: tuple[str, str, str], seed: int, noise: int
) -> None:
    plan = plan_of(design)
    first = networks(plan, seed)
    torch.manual_seed(noise)
    state = torch.get_rng_state()
    second = networks(plan, seed)
    assert torch.equal(state, torch.get_rng_state())
    other = networks(plan, seed + 1)
    for a, b, c in zip(first, second, other, strict=True):
        assert equal(a, b)
        assert not equal(a, c)


@PROPERTY
@given(designs)
def test_the_plan_knows_each_parameter_of_the_network_by_name_and_size(design: tuple[str, str, str]) -> None:
    plan = plan_of(design)
    for network, described in zip(networks(plan), (plan.generator, plan.discriminator), strict=True):
        found = {name: parameter.numel() for name, parameter in network.named_parameters()}
        assert found == dict(described.sizes)
        assert list(found) == list(described.sizes)
        assert described.num_parameters == sum(found.values())


@SLOW_PROPERTY
@given(designs, st.integers(2, 4))
def test_without_noise_each_sample_is_computed_alone(design: tuple[str, str, str], n: int) -> None:
    generator, discriminator = networks(plan_of(design), double=True)
    z, labels = torch.randn(n, 4, dtype=torch.float64), torch.arange(n) % 2
    images = generator(z, labels)
    logits = discriminator(images, labels)
    assert images.shape == (n, 3, 8, 8)
    assert logits.shape == (n,)
    assert bool((images.abs() <= 1).all())
    for row in range(n):
        alone = generator(z[row : row + 1], labels[row : row + 1])
        torch.testing.assert_close(alone[0], images[row], rtol=1e-10, atol=1e-10)
        logit = discriminator(images[row : row + 1], labels[row : row + 1])
        torch.testing.assert_close(logit[0], logits[row], rtol=1e-9, atol=1e-9)


@PROPERTY
@given(designs)
def test_what_starts_at_zero_starts_at_zero_under_each_initialisation(design: tuple[str, str, str]) -> None:
    generator, _ = networks(plan_of(design))
    for name, parameter in generator.named_parameters():
        if ".extra" in name or (".adafm_" in name and name.endswith("beta")):
            assert not bool(parameter.any()), name
        if ".adafm_" in name and name.endswith("gamma"):
            assert bool((parameter == 1).all()), name


def test_variance_preserving_networks_keep_the_size_of_features() -> None:
    """Ten blocks of width 64 without a shortcut to help: the spread of features stays within a factor of 2."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        blocks = nn.ModuleList([ResidualBlock(64, 64, 1.0) for _ in range(10)])
        VariancePreserving().apply(blocks)
        h = torch.randn(2, 64, 8, 8)
        for block in blocks:
            before, branch = h, block(h, Context()) - h
            assert 0.5 < (branch.std() / before.std()).item() < 2
            h = branch / branch.std()
