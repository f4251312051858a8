"""Published GP-GAN checkpoints come from a file, a folder or an address, and are read from `.pt` once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ganforge.files import sha256_of
from ganforge.testing import check_source
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.specs import WeightsFolder
from ganforge_flowers.gan_stability import GPGANImageNet
from ganforge_flowers.gp_gan import GPGANCheckpoint

Publish = Callable[[Path], str]


@pytest.fixture
def imagenet(site: tuple[Path, str], publish: Publish) -> GPGANImageNet:
    """A small checkpoint on the server, in place of the published one."""
    folder, address = site
    digest = publish(folder / "gan.pt")
    return GPGANImageNet(url=f"{address}/gan.pt", sha256=digest[:8])


def test_the_second_read_needs_neither_the_server_nor_the_file(
    imagenet: GPGANImageNet, site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = site
    source, cache = imagenet, tmp_path / "cache"
    digest = sha256_of(folder / "gan.pt")
    assert source.cached(cache) is None
    first = source.fetch(StoreContext(cache))
    (folder / "gan.pt").unlink()
    (cache / "downloads" / digest / "gan.pt").unlink()
    assert source.cached(cache) == cache / "converted" / source.layout / digest
    second = source.fetch(StoreContext(cache))
    assert first.provenance == second.provenance
    assert (second.provenance.origin, second.provenance.sha256) == (source.url, digest)
    assert second.provenance.licence == "MIT (GAN_stability); trained on ImageNet, whose terms allow research use"
    assert second.generator is not None and second.discriminator is not None
    assert second.generator["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.generator["fc.bias"].tolist() == [0, 3]
    assert second.discriminator["fc.bias"].tolist() == [1, 1]


def test_what_is_kept_has_a_card_and_is_a_weights_folder(imagenet: GPGANImageNet, tmp_path: Path) -> None:
    source = imagenet
    kept = source.fetch(StoreContext(tmp_path / "cache"))
    folder = source.cached(tmp_path / "cache")
    assert folder is not None
    card = json.loads((folder / "card.json").read_text())
    assert (card["origin"], card["origin_sha256"]) == (source.url, folder.name)
    assert sorted(card["sha256"]) == ["discriminator.safetensors", "generator.safetensors"]
    assert WeightsFolder(path=folder).fetch(StoreContext(tmp_path)).provenance == kept.provenance


def test_kept_weights_that_were_damaged_are_made_again(imagenet: GPGANImageNet, tmp_path: Path) -> None:
    source, context = imagenet, StoreContext(tmp_path / "cache")
    source.fetch(context)
    folder = source.cached(context.cache)
    assert folder is not None
    file = folder / "generator.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    again = source.fetch(context).generator
    assert file.read_bytes() == whole
    assert again is not None and again["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("make", ["imagenet", "address", "file", "folder"])
def test_every_way_to_name_a_checkpoint_keeps_the_promises_of_a_source(
    publish: Publish, make: str, site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = site
    digest = publish(folder / "gan.pt")
    sources = {
        "imagenet": GPGANImageNet(path=folder / "gan.pt", sha256=digest),
        "address": GPGANCheckpoint(url=f"{address}/gan.pt", sha256=digest),
        "file": GPGANCheckpoint(path=folder / "gan.pt", sha256=digest[:8]),
        "folder": GPGANCheckpoint(path=folder),
    }
    sources[make].preflight()
    check_source(sources[make], tmp_path / "cache")
    assert sources[make].fetch(StoreContext(tmp_path / "cache")).provenance.sha256 == digest


def test_the_digits_in_a_published_name_are_enough() -> None:
    source = GPGANCheckpoint(url="https://a.b/c-8c505f47.pt?download=1")
    assert source.published() is not None
    assert source.published().sha256 == "8c505f47"
