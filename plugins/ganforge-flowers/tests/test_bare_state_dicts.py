"""The files of the published transfer code, a bare state dict in each, are the networks after which they are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.testing import check_source
from ganforge.weights.pretrained import StoreContext
from ganforge_flowers.gp_gan import GPGANCheckpoint

NAMES = ["fc.bias", "conv_img.bias", *(f"resnet_{level}_{i}.conv_0.bias" for level in range(6) for i in (0, 1))]
FILES = {"generator": "ImageNetPre_generator", "discriminator": "ImageNetPre_discriminator"}


def saved(path: Path, start: int, prefix: str = "") -> Path:
    """Each tensor holds its number in the list, counted from `start`."""
    torch.save({f"{prefix}{name}": torch.full((1,), start + index) for index, name in enumerate(NAMES)}, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pretrained_model"
    folder.mkdir()
    saved(folder / FILES["generator"], 100, "module.")
    saved(folder / FILES["discriminator"], 200)
    return folder


def test_a_folder_with_both_is_one_source(folder: Path, tmp_path: Path) -> None:
    source = GPGANCheckpoint(path=folder)
    source.preflight()
    check_source(source, tmp_path / "cache")
    weights = source.fetch(StoreContext(tmp_path / "cache"))
    for network, start in (("generator", 100), ("discriminator", 200)):
        found = {name: int(value) for name, value in getattr(weights, network).items()}
        assert found == {name: start + index for index, name in enumerate(NAMES)}
    files = [folder / name for name in FILES.values()]
    assert weights.provenance.origin == f"{files[0]}, {files[1]}"
    assert weights.provenance.sha256 == ",".join(sha256_of(file) for file in files)
    assert weights.provenance.name == (
        "GP-GAN ImageNetPre_generator, layout imagenet and GP-GAN ImageNetPre_discriminator, layout imagenet"
    )


@pytest.mark.parametrize("is_folder", [True, False])
@pytest.mark.parametrize("network", FILES)
def test_one_of_them_gives_that_network_alone(network: str, is_folder: bool, folder: Path, tmp_path: Path) -> None:
    (other,) = set(FILES) - {network}
    (folder / FILES[other]).unlink()
    file = folder / FILES[network]
    source = GPGANCheckpoint(path=folder if is_folder else file, sha256=sha256_of(file))
    source.preflight()
    weights = source.fetch(StoreContext(tmp_path / "cache"))
    assert getattr(weights, other) is None and list(getattr(weights, network)) == NAMES
    assert weights.provenance.origin == str(file)


def test_one_of_them_can_lie_at_an_address(folder: Path, site: tuple[Path, str], tmp_path: Path) -> None:
    shown, address = site
    digest = sha256_of(saved(shown / FILES["discriminator"], 0))
    source = GPGANCheckpoint(url=f"{address}/{FILES['discriminator']}", sha256=digest)
    check_source(source, tmp_path / "cache")
    weights = source.fetch(StoreContext(tmp_path / "cache"))
    assert weights.generator is None and sorted(weights.discriminator or {}) == sorted(NAMES)


def test_a_checkpoint_in_the_folder_is_read_in_their_place(folder: Path, tmp_path: Path) -> None:
    torch.save({"generator": {name: torch.ones(1) for name in NAMES}}, folder / "gan.pt")
    weights = GPGANCheckpoint(path=folder).fetch(StoreContext(tmp_path / "cache"))
    assert weights.provenance.name == "GP-GAN gan.pt, layout imagenet"


def test_a_bare_state_dict_of_another_name_is_refused(folder: Path, tmp_path: Path) -> None:
    path = (folder / FILES["generator"]).rename(tmp_path / "gan.pt")
    with pytest.raises(CheckpointError) as caught:
        GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path / "cache"))
    assert str(caught.value) == (
        f"{path} has neither 'generator' nor 'discriminator'; it has: module.fc.bias, module.conv_img.bias, "
        "module.resnet_0_0.conv_0.bias, module.resnet_0_1.conv_0.bias, module.resnet_1_0.conv_0.bias. "
        "Let the name of a file with a bare state dict end in _generator or _discriminator."
    )


def test_one_digest_can_not_be_that_of_two_files(folder: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        GPGANCheckpoint(path=folder, sha256="0" * 8).preflight()
    assert str(caught.value) == (
        f"`sha256` is of one file, but {folder} holds ImageNetPre_generator and ImageNetPre_discriminator. "
        "Leave it out."
    )
