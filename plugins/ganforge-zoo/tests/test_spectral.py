"""The spectral norm follows its weight as torch's does, but moves only when the weight has moved."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ganforge.blocks.base import Context
from ganforge.networks.folding import folded
from ganforge.networks.staged import Generator
from ganforge_zoo.biggan import ClassLatent, GeneratorBlock, ImageHead, StyleToGrid
from ganforge_zoo.sngan import DiscriminatorBlock
from ganforge_zoo.spectral import SpectralLinear


def test_it_follows_a_training_as_torch_does(helpers: SimpleNamespace) -> None:
    ours = SpectralLinear(5, 3).double()
    theirs = nn.utils.spectral_norm(nn.Linear(5, 3)).double()
    with torch.no_grad():
        theirs.weight_orig.copy_(ours.weight)
        theirs.bias.copy_(ours.bias)
        theirs.weight_u.copy_(ours.spectral.u)
        theirs.weight_v.copy_(ours.spectral.v)
    h = helpers.normal(4, 5)
    for step in range(4):
        change = 0.3 * helpers.normal(3, 5, seed=step)
        with torch.no_grad():
            ours.weight.add_(change)
            theirs.weight_orig.add_(change)
        found, expected = ours(h), theirs(h)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
        gradients = [
            torch.autograd.grad(out.square().sum(), weight)
            for out, weight in ((found, ours.weight), (expected, theirs.weight_orig))
        ]
        torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


def test_the_largest_singular_value_becomes_one(helpers: SimpleNamespace) -> None:
    layer = SpectralLinear(6, 4).double()
    for _ in range(200):
        with torch.no_grad():
            layer.weight.mul_(1.01)
        layer(helpers.normal(1, 6))
    assert torch.linalg.matrix_norm(layer.normalised_weight(), 2).item() == pytest.approx(1, abs=1e-6)


def test_computing_again_moves_nothing(helpers: SimpleNamespace) -> None:
    block = DiscriminatorBlock(3, 4, pool=True).double()
    h = helpers.normal(2, 3, 4, 4)
    first = block(h, Context())
    state = copy.deepcopy(block.state_dict())
    assert torch.equal(block(h, Context()), first)
    assert torch.equal(copy.deepcopy(block)(h, Context()), first)
    assert all(torch.equal(value, block.state_dict()[name]) for name, value in state.items())


def test_a_frozen_weight_keeps_its_vectors(helpers: SimpleNamespace) -> None:
    block = DiscriminatorBlock(3, 4, pool=True).double()
    block.conv_0.weight.requires_grad_(False)
    state = copy.deepcopy(block.state_dict())
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.mul_(1.5)
    block(helpers.normal(2, 3, 4, 4), Context())
    moved = {name for name, value in block.state_dict().items() if not torch.equal(value, state[name])}
    assert "spectral_1.sigma" in moved and "spectral_s.sigma" in moved
    assert not {"spectral_0.u", "spectral_0.v", "spectral_0.sigma"} & moved


def test_adafm_acts_on_the_normalised_filters(helpers: SimpleNamespace) -> None:
    block = DiscriminatorBlock(3, 4, pool=False).double().eval()
    plain = block.adapted_weight("conv_1")
    block.add_adafm()
    assert torch.equal(block.double().adapted_weight("conv_1"), plain)
    with torch.no_grad():
        block.adafm_1.gamma.fill_(2)
        block.adafm_1.beta.fill_(0.5)
    torch.testing.assert_close(block.adapted_weight("conv_1"), 2 * plain + 0.5)


def test_a_folded_generator_computes_the_same_without_norms(helpers: SimpleNamespace) -> None:
    blocks = {
        "fc": StyleToGrid(7, 8, 2),
        "block_0": GeneratorBlock(8, 8, 7, upsampled=True),
        "conv_img": ImageHead(8),
    }
    blocks["block_0"].add_adafm()
    generator = Generator(4, blocks, ClassLatent(4, 2, 3)).double()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.1 * helpers.normal(*parameter.shape, seed=parameter.numel()))
        z, labels = helpers.normal(3, 4), torch.tensor([0, 1, 0])
        plain = generator(z, labels)
        small = folded(generator)
        torch.testing.assert_close(small(z, labels), plain, rtol=1e-10, atol=1e-10)
    assert plain.std() > 1e-3
    left = {name.split(".")[-2] for name in small.state_dict() if "spectral_" in name or "adafm_" in name}
    assert not left
