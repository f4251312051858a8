"""A folded generator computes what the generator does, without AdaFM."""

from __future__ import annotations

import torch
from cases import networks, planned, recipe_data

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
