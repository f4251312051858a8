"""A GP-GAN checkpoint that is another file, damaged, hostile or not there is refused, and none of its code runs."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ganforge.errors import CheckpointError, DownloadError
from ganforge.files import sha256_of
from ganforge.weights.pretrained import StoreContext
from ganforge_flowers.gan_stability import GPGANImageNet
from ganforge_flowers.gp_gan import GPGANCheckpoint

Publish = Callable[[Path], str]
REFUSED = (
    "{file} holds more than tensors and numbers; loading it could run code, so it is refused. "
    "Convert it to safetensors where it was made."
)


def test_a_file_that_was_downloaded_by_hand_must_be_the_published_one(publish: Publish, tmp_path: Path) -> None:
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
    _, address = site
    source = GPGANImageNet(url=f"{address}/gan.pt", sha256="8c505f47")
    with pytest.raises(DownloadError) as caught:
        source.fetch(StoreContext(tmp_path / "cache"))
    assert str(caught.value) == (
        f"{address}/gan.pt can't be fetched: the server answers 404 Not Found. "
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
def test_a_truncated_checkpoint_is_named(publish: Publish, length: int, tmp_path: Path) -> None:
    path = tmp_path / "gan.pt"
    publish(path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError) as caught:
        GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == f"{path} is damaged or no checkpoint."


def test_a_folder_must_hold_one_checkpoint(publish: Publish, tmp_path: Path) -> None:
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
