"""Each layout of GAN_stability is told by its blocks; one that isn't is refused, with what was found."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganforge.errors import CheckpointError
from ganforge.testing import check_keymap
from ganforge.weights.pretrained import StoreContext
from ganforge_flowers.gan_stability import GAN_STABILITY, GANStabilityFile
from ganforge_flowers.gp_gan import GPGANCheckpoint
from ganforge_flowers.layouts import SEQUENTIAL_NAMES, recognise

#: Layout -> the published names of its blocks.
BLOCKS = {
    "imagenet": [f"resnet_{level}_{i}" for level in range(6) for i in (0, 1)],
    "celeba": [f"resnet_{level}_0" for level in range(7)],
    "lsun": [f"resnet_{level}_0" for level in range(6)],
    "sequential": [f"resnet.{place}" for place in range(0, 17, 2)],
}
FILES = {
    "gp_gan_imagenet": "imagenet-8c505f47.pt",
    "gp_gan_celeba": "celeba-ab478c9d.pt",
    "gp_gan_celeba_hq": "celebahq-baab46b2.pt",
    "gp_gan_lsun_bedroom": "lsun_bedroom-df4e7dd2.pt",
    "gp_gan_lsun_bridge": "lsun_bridge-82887d22.pt",
    "gp_gan_lsun_church": "lsun_church-b6f0191b.pt",
    "gp_gan_lsun_tower": "lsun_tower-1af5e570.pt",
}


def names(blocks: list[str]) -> list[str]:
    return ["fc.bias", "conv_img.bias", *(f"{block}.conv_0.bias" for block in blocks)]


def saved(path: Path, generator: list[str], discriminator: list[str]) -> Path:
    """Each tensor holds its number in the list."""
    networks = {"generator_test": generator, "discriminator": discriminator}
    torch.save(
        {
            network: {f"module.{name}": torch.full((1,), index) for index, name in enumerate(listed)}
            for network, listed in networks.items()
        },
        path,
    )
    return path


@pytest.mark.parametrize("layout", BLOCKS)
def test_a_layout_is_told_by_its_blocks_in_any_order(layout: str) -> None:
    for listed in (names(BLOCKS[layout]), names(BLOCKS[layout])[::-1]):
        assert recognise(listed, Path("gan.pt"), "generator").name == layout


def test_a_sequential_is_known_at_each_size_up_to_1024_pixels() -> None:
    for num_blocks in range(2, 10):
        assert recognise(names(BLOCKS["sequential"][:num_blocks]), Path("a.pt"), "generator").name == "sequential"


def test_the_names_of_a_sequential_become_ours_one_to_one(tmp_path: Path) -> None:
    check_keymap(SEQUENTIAL_NAMES)
    assert len(SEQUENTIAL_NAMES.pairs) == 5 + 9 * 5
    listed = names(BLOCKS["sequential"])
    path = saved(tmp_path / "gan.pt", ["embedding.weight", *listed], listed)
    weights = GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert weights.generator is not None and weights.discriminator is not None
    ours = names([f"resnet_{number}_0" for number in range(9)])
    assert {name: int(value) for name, value in weights.discriminator.items()} == {n: i for i, n in enumerate(ours)}
    assert list(weights.generator) == ["embedding.weight", *ours]
    assert weights.provenance.name == "GP-GAN gan.pt, layout sequential"


@pytest.mark.parametrize("layout", ["imagenet", "celeba", "lsun"])
def test_other_names_are_ours_already(layout: str, tmp_path: Path) -> None:
    listed = names(BLOCKS[layout])
    weights = GPGANCheckpoint(path=saved(tmp_path / "gan.pt", listed, listed)).fetch(StoreContext(tmp_path))
    assert list(weights.generator or {}) == list(weights.discriminator or {}) == listed
    assert weights.provenance.name == f"GP-GAN gan.pt, layout {layout}"


def test_generator_and_discriminator_may_have_layouts_of_their_own(tmp_path: Path) -> None:
    path = saved(tmp_path / "gan.pt", names(BLOCKS["sequential"]), names(BLOCKS["imagenet"]))
    weights = GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert "resnet_8_0.conv_0.bias" in (weights.generator or {})
    assert "resnet_5_1.conv_0.bias" in (weights.discriminator or {})
    assert weights.provenance.name == "GP-GAN gan.pt, layout sequential and imagenet"


@pytest.mark.parametrize(
    ("blocks", "shown"),
    [
        ([], "none"),
        (["resnet_0_0", "resnet_2_0"], "resnet_0_0, resnet_2_0"),
        (BLOCKS["celeba"] + ["resnet_7_0"], ", ".join(BLOCKS["celeba"][:5]) + ", and 3 more"),
        (["resnet.0", "resnet.1"], "resnet.0, resnet.1"),
        (["resnet.0", "resnet_0_0"], "resnet.0, resnet_0_0"),
    ],
    ids=["none", "a gap", "one too many", "odd place", "mixed"],
)
def test_an_unknown_layout_is_refused_with_what_was_found(blocks: list[str], shown: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "gan.pt", names(BLOCKS["lsun"]), names(blocks))
    with pytest.raises(CheckpointError) as caught:
        GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == (
        f"{path}: the discriminator has no layout of GAN_stability. Its blocks: {shown}. Known are: "
        "resnet_0_0 to resnet_5_1, two a level (imagenet); resnet_0_0 to resnet_6_0, one a level (celeba); "
        "resnet_0_0 to resnet_5_0, one a level (lsun); "
        "resnet.0, resnet.2 and so on, up to resnet.16 (sequential)."
    )


def test_the_published_files_are_known_by_address_and_digits() -> None:
    found = {}
    for kind in GAN_STABILITY:
        source = kind.model_validate({"kind": kind.kind_name()})
        assert isinstance(source, GANStabilityFile)
        folder, _, file = source.published().url.rpartition("/")
        assert folder == "https://s3.eu-central-1.amazonaws.com/avg-projects/gan_stability/models"
        assert file.endswith(f"-{source.published().sha256}.pt")
        found[source.kind] = file
    assert found == FILES
