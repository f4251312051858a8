"""Parameter names are a file format: those of the published GP-GAN checkpoints never change."""

from pathlib import Path

import pytest
import torch
from cases import components
from published import gp_gan
from reference_gp_gan import discriminator_keys, generator_keys

GOLDEN = next(folder for folder in Path(__file__).parents if folder.name == "tests") / "golden"


def written(keys: dict[str, tuple[int, ...]]) -> str:
    return "".join(f"{name} {'x'.join(map(str, shape))}\n" for name, shape in sorted(keys.items()))


@pytest.mark.parametrize(
    ("network", "described", "parameters"),
    [("generator", generator_keys(), 100_535_747), ("discriminator", discriminator_keys(), 108_260_776)],
)
def test_the_names_and_shapes_are_those_of_the_published_checkpoint(
    network: str, described: dict[str, tuple[int, ...]], parameters: int
) -> None:
    with torch.device("meta"):
        generator, discriminator = gp_gan(components()["block"], nf=64, z=256, embedding=256, classes=1000)
    built = {"generator": generator, "discriminator": discriminator}[network]
    golden = (GOLDEN / f"gp_gan_128_{network}.keys").read_text()
    found = {name: tuple(value.shape) for name, value in built.state_dict().items()}
    assert written(found) == golden
    assert written(described) == golden
    assert sum(parameter.numel() for parameter in built.parameters()) == parameters
