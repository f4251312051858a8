"""Published GP-GAN checkpoints come from a file, a folder or an address, and are read from `.pt` once."""

from __future__ import annotations

import json
import os
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ganforge.errors import CheckpointError, DownloadError
from ganforge.files import sha256_of
from ganforge.testing import check_source
from ganforge.weights.pretrained import StoreContext
from ganforge.weights.specs import WeightsFolder
from ganforge_flowers.gp_gan import IMAGENET, LAYOUT, GPGANCheckpoint, GPGANImageNet

REFUSED = (
    "{file} holds more than tensors and numbers; loading it could run code, so it is refused. "
    "Convert it to safetensors where it was made."
)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        """Standard error is for pytest."""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a server of this machine shows it."""
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def publish(path: Path) -> str:
    """Write a small checkpoint, and return its sha256."""
    shared = torch.arange(6.0).reshape(2, 3)
    generator = {"module.fc.weight": shared, "module.fc.bias": shared[:, 0]}
    torch.save({"generator": generator, "discriminator": {"module.fc.bias": torch.ones(2)}, "it": 7}, path)
    return sha256_of(path)


def imagenet(folder: Path, address: str, **fields: Any) -> GPGANImageNet:
    digest = publish(folder / "gan.pt")
    return GPGANImageNet(url=f"{address}/gan.pt", sha256=digest[:8], **fields)


def test_the_imagenet_gan_is_known_by_its_published_address_and_digits() -> None:
    source = GPGANImageNet()
    assert source.published() == IMAGENET
    assert IMAGENET.url.endswith(f"/imagenet-{IMAGENET.sha256}.pt")


def test_the_second_read_needs_neither_the_server_nor_the_file(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = site
    source, cache = imagenet(folder, address), tmp_path / "cache"
    digest = sha256_of(folder / "gan.pt")
    assert source.cached(cache) is None
    first = source.fetch(StoreContext(cache))
    (folder / "gan.pt").unlink()
    (cache / "downloads" / digest / "gan.pt").unlink()
    assert source.cached(cache) == cache / "converted" / LAYOUT / digest
    second = source.fetch(StoreContext(cache))
    assert first.provenance == second.provenance
    assert (second.provenance.origin, second.provenance.sha256) == (source.url, digest)
    assert second.provenance.licence == "MIT (GAN_stability); trained on ImageNet, whose terms allow research use"
    assert second.generator is not None and second.discriminator is not None
    assert second.generator["fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.generator["fc.bias"].tolist() == [0, 3]
    assert second.discriminator["fc.bias"].tolist() == [1, 1]


def test_what_is_kept_has_a_card_and_is_a_weights_folder(site: tuple[Path, str], tmp_path: Path) -> None:
    source = imagenet(*site)
    kept = source.fetch(StoreContext(tmp_path / "cache"))
    folder = source.cached(tmp_path / "cache")
    assert folder is not None
    card = json.loads((folder / "card.json").read_text())
    assert (card["origin"], card["origin_sha256"]) == (source.url, folder.name)
    assert sorted(card["sha256"]) == ["discriminator.safetensors", "generator.safetensors"]
    assert WeightsFolder(path=folder).fetch(StoreContext(tmp_path)).provenance == kept.provenance


def test_kept_weights_that_were_damaged_are_made_again(site: tuple[Path, str], tmp_path: Path) -> None:
    source, context = imagenet(*site), StoreContext(tmp_path / "cache")
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
    make: str, site: tuple[Path, str], tmp_path: Path
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


def test_a_file_that_was_downloaded_by_hand_must_be_the_published_one(tmp_path: Path) -> None:
    path = tmp_path / "imagenet-8c505f47.pt"
    digest = publish(path)
    with pytest.raises(CheckpointError) as caught:
        GPGANImageNet(path=path).fetch(StoreContext(tmp_path / "cache"))
    assert str(caught.value) == (
        f"{path} is not the file that was promised: its sha256 is {digest}, not 8c505f47.... "
        "It may be damaged or incomplete; download it again."
    )
    path.unlink()
    with pytest.raises(CheckpointError) as caught:
        GPGANImageNet(path=path).preflight()
    assert str(caught.value) == f"there is no checkpoint {path}. Leave source.path out to have it fetched."


def test_a_file_that_is_gone_from_the_server_is_a_download_error(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = site
    source = imagenet(folder, address)
    (folder / "gan.pt").unlink()
    with pytest.raises(DownloadError) as caught:
        source.fetch(StoreContext(tmp_path / "cache"))
    assert str(caught.value) == (
        f"{address}/gan.pt can't be fetched: the server answers 404 File not found. "
        "Download it by hand, and name the file: source.path=FILE."
    )


class RunsCode:
    """What an attacker would put into a checkpoint."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.sentinel}",)


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_code_in_a_fetched_checkpoint_is_refused_not_run_and_not_kept(
    write: Any, site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = site
    sentinel, cache = tmp_path / "was_run", tmp_path / "cache"
    write({"generator": {"fc.bias": RunsCode(sentinel)}}, folder / "gan.pt")
    digest = sha256_of(folder / "gan.pt")
    with pytest.raises(CheckpointError) as caught:
        GPGANImageNet(url=f"{address}/gan.pt", sha256=digest[:8]).fetch(StoreContext(cache))
    assert str(caught.value) == REFUSED.format(file=cache / "downloads" / digest / "gan.pt")
    assert not sentinel.exists()
    assert not (cache / "converted").exists()


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_truncated_checkpoint_is_named(length: int, tmp_path: Path) -> None:
    path = tmp_path / "gan.pt"
    publish(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError) as caught:
        GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == f"{path} is damaged or no checkpoint."


def test_a_folder_must_hold_one_checkpoint(tmp_path: Path) -> None:
    for names, words in (((), "0 (none)"), (("a.pt", "b.pt"), "2 (a.pt, b.pt)")):
        for name in names:
            publish(tmp_path / name)
        with pytest.raises(CheckpointError) as caught:
            GPGANCheckpoint(path=tmp_path).preflight()
        assert str(caught.value) == (
            f"{tmp_path} must hold one .pt file, but holds {words}. Name it with source.path=FILE."
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give either `path`, a file, or `url` with `sha256`."),
        ({"path": "a.pt", "url": "https://a.b/c-8c505f47.pt"}, "give either `path`, a file, or `url` with `sha256`."),
        (
            {"url": "https://a.b/c.pt"},
            "`url` needs `sha256`, the file's digest or its first 8 digits, to tell that it came whole.",
        ),
        ({"url": "http://a.b/c-8c505f47.pt"}, "http://a.b/c-8c505f47.pt is refused: only https addresses are fetched."),
        ({"path": "a.pt", "sha256": "8c"}, "'8c' is no sha256, nor its first 8 digits or more (0-9, a-f)."),
    ],
)
def test_a_recipe_is_told_what_a_checkpoint_needs(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GPGANCheckpoint.model_validate(fields)
    assert [error["msg"] for error in caught.value.errors()] == [f"Value error, {message}"]


def test_the_digits_in_a_published_name_are_enough() -> None:
    source = GPGANCheckpoint(url="https://a.b/c-8c505f47.pt?download=1")
    assert source.published() is not None
    assert source.published().sha256 == "8c505f47"
