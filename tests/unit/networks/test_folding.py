"""A folded generator computes what the generator does, without AdaFM."""

from __future__ import annotations

import torch
from cases import networks, planned, recipe_data
from torch import nn

from ganforge.blocks.base import Context, ConvBlock
from ganforge.networks.folding import folded
from ganforge.testing.tensors import randomise


def test_a_folded_generator_computes_the_same_and_leaves_the_original_alone() -> None:
    data = recipe_data()
    data["generator"]["adafm"] = ["resnet_*"]
    generator, _ = networks(planned(data))
    generator.double()
    randomise(generator)
    z, labels = torch.randn(3, generator.latent_dim, dtype=torch.float64), torch.tensor([0, 1, 0])
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    network = folded(generator)
    torch.testing.assert_close(network(z, labels), generator(z, labels), rtol=1e-12, atol=1e-12)
    assert any("adafm" in name for name in before) and not any("adafm" in name for name in network.state_dict())
    assert all(torch.equal(before[name], value) for name, value in generator.state_dict().items())


class Doubled(ConvBlock):
    """A convolution whose weight a module beside it doubles, ahead of AdaFM."""

    adaptable = ("conv_0",)
    reweighting = ("double", "adafm")

    def __init__(self) -> None:
        super().__init__()
        self.conv_0 = nn.Conv2d(2, 3, 3)
        self.add_module(self.beside("conv_0", "double"), Double())


class Double(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def test_what_a_block_puts_beside_a_convolution_changes_its_weight_until_it_is_folded() -> None:
    block = Doubled()
    block.add_adafm()
    with torch.no_grad():
        block.adafm_0.beta.fill_(0.5)  # type: ignore[union-attr, operator]
    h, plain = torch.randn(1, 2, 4, 4), block.convolution("conv_0").weight.detach().clone()
    expected = nn.functional.conv2d(h, 2 * plain + 0.5, block.conv_0.bias)
    torch.testing.assert_close(block.convolve("conv_0", h, Context()), expected)
    block.fold()
    assert [name for name, _ in block.named_children()] == ["conv_0"]
    torch.testing.assert_close(block.convolve("conv_0", h, Context()), expected)
