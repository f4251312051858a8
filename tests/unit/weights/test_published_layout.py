"""A checkpoint in the published layout goes through `.pt`, conversion and strict loading without a changed number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from cases import randomise
from published import gp_gan
from reference_gp_gan import discriminator_keys, generator_keys, gp_gan_discriminator, gp_gan_generator
from torch import Tensor

from ganforge.recipe.models import LoadRules
from ganforge.registry import Components
from ganforge.weights.catalogue import convert
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.specs import WeightsFolder

NF, Z, EMBEDDING, CLASSES = 1, 5, 4, 3


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.1 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def saved_in_parallel(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.{name}": tensor for name, tensor in weights.items()}


def test_published_weights_compute_the_same_after_conversion(components: Components, tmp_path: Path) -> None:
    theirs = drawn(generator_keys(NF, Z, EMBEDDING, CLASSES), seed=0), drawn(discriminator_keys(NF, CLASSES), seed=1)
    checkpoint = {
        "it": 3,
        "generator": saved_in_parallel(drawn(generator_keys(NF, Z, EMBEDDING, CLASSES), seed=2)),
        "generator_test": saved_in_parallel(theirs[0]),
        "discriminator": saved_in_parallel(theirs[1]),
        "g_optimizer": {"state": {0: {"step": 1}}, "param_groups": [{"lr": 1e-4, "params": [0]}]},
    }
    torch.save(checkpoint, tmp_path / "imagenet.pt")
    convert(tmp_path / "imagenet.pt", tmp_path / "out", "gp_gan_checkpoint", components, StoreContext(tmp_path))
    source = WeightsFolder(path=tmp_path / "out").fetch(StoreContext(tmp_path))
    assert source.generator is not None and source.discriminator is not None

    generator, discriminator = gp_gan(components["block"], NF, Z, EMBEDDING, CLASSES)
    for name, network, weights in (
        ("generator", generator, source.generator),
        ("discriminator", discriminator, source.discriminator),
    ):
        randomise(network)
        report = load_strict(name, network, weights, LoadRules())
        assert (report.fresh, report.dropped) == ((), ())
    z, labels = torch.randn(2, Z, generator=torch.Generator().manual_seed(3)), torch.tensor([0, 2])
    images = generator(z, labels)
    torch.testing.assert_close(images, gp_gan_generator(theirs[0], z, labels), rtol=1e-4, atol=1e-5)
    logits = gp_gan_discriminator(theirs[1], images, labels)
    torch.testing.assert_close(discriminator(images, labels), logits, rtol=1e-4, atol=1e-5)
    assert images.std() > 1e-3
