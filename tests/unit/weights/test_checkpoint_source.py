"""A source that says how a file is read gets the rest from its base: places, digests, the cache, provenance."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
from faulty_server import FaultyServer, content
from pydantic import ValidationError

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.testing import check_source
from ganforge.weights.address import Sha256, Url
from ganforge.weights.checkpoint_source import CheckpointSource, Networks
from ganforge.weights.pretrained import StoreContext, joined


class Listed(CheckpointSource):
    """A line of numbers for each network that the file has."""

    kind: Literal["listed"] = "listed"
    licence: str = "CC0-1.0"
    layout: ClassVar[str] = "listed_1"
    title: ClassVar[str] = "Listed"
    citation: ClassVar[str] = "nobody"
    suffix: ClassVar[str] = ".txt"

    @staticmethod
    def read(file: Path) -> Networks:
        lines = dict(line.split(": ") for line in file.read_text().splitlines())
        found = {name: {"fc.bias": torch.tensor([float(text)])} for name, text in lines.items()}
        return Networks(**found, variant=f"{len(found)} networks")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "files" / "gan.txt"
    path.parent.mkdir()
    path.write_text("generator: 1\ndiscriminator: 2\n")
    return path


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_either_network_may_lack(network: str, file: Path, cache: Path) -> None:
    file.write_text(f"{network}: 3\n")
    check_source(Listed(path=file), cache)
    found = Listed(path=file).fetch(StoreContext(cache))
    assert {name: getattr(found, name) is not None for name in ("generator", "discriminator")} == {
        "generator": network == "generator",
        "discriminator": network == "discriminator",
    }


def test_the_provenance_names_file_variant_and_licence(file: Path, cache: Path) -> None:
    found = Listed(path=file, licence="mine").fetch(StoreContext(cache)).provenance
    assert found.as_dict() == {
        "name": "Listed gan.txt, 2 networks",
        "origin": str(file),
        "sha256": sha256_of(file),
        "licence": "mine",
        "citation": "nobody",
    }


def test_a_folder_stands_for_the_one_file_of_that_suffix(file: Path, cache: Path) -> None:
    (file.parent / "notes.md").touch()
    source = Listed(path=file.parent)
    source.preflight()
    assert source.fetch(StoreContext(cache)).provenance.origin == str(file)
    (file.parent / "other.txt").touch()
    with pytest.raises(CheckpointError) as caught:
        source.preflight()
    assert str(caught.value) == (
        f"{file.parent} must hold one .txt file, but holds 2 (gan.txt, other.txt). Name it with source.path=FILE."
    )


def test_an_address_is_asked_once_and_the_recipes_licence_counts(
    file: Path, cache: Path, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.serve("/gan.txt", content(file.read_bytes()))
    digest = sha256_of(file)
    check_source(Listed(url=url, sha256=digest[:8]), cache)
    assert server.asked == ["/gan.txt"]
    monkeypatch.setattr(Listed, "read", staticmethod(lambda file: pytest.fail("is read again")))
    found = Listed(url=url, sha256=digest[:8], licence="mine").fetch(StoreContext(cache))
    assert found.generator is not None and found.generator["fc.bias"].item() == 1
    assert found.discriminator is not None and found.discriminator["fc.bias"].item() == 2
    assert (found.provenance.origin, found.provenance.sha256, found.provenance.licence) == (url, digest, "mine")
    assert Listed(url=url, sha256=digest).cached(cache) == cache / "converted" / "listed_1" / digest


def test_a_known_file_needs_no_field_and_a_copy_of_it_will_do(
    file: Path, cache: Path, server: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", str(cache))

    class Known(Listed):
        """One file."""

        is_known: ClassVar[bool] = True
        url: Url = server.serve("/gan.txt", content(file.read_bytes()))
        sha256: Sha256 = sha256_of(file)

    Known(path=file).preflight()
    assert Known(path=file).fetch(StoreContext(cache)).provenance.origin == str(file)
    gone = Known(path=file.parent / "gone.txt")
    gone.preflight()
    assert gone.fetch(StoreContext(cache)).provenance.origin == str(file)
    assert Known().cached(cache) is not None and server.asked == []
    assert Known().fetch(StoreContext(cache / "other")).provenance.origin == f"{server.address}/gan.txt"
    monkeypatch.setenv("GANFORGE_CACHE", str(cache / "empty"))
    with pytest.raises(CheckpointError) as caught:
        gone.preflight()
    assert str(caught.value) == f"there is no checkpoint {gone.path}. Leave source.path out to have it fetched."


def test_two_files_become_one_source_that_names_both(file: Path, cache: Path) -> None:
    other = file.with_name("other.txt")
    other.write_text("discriminator: 4\n")
    found = joined(*(Listed(path=path).fetch(StoreContext(cache)) for path in (file, other)))
    assert found.generator is not None and found.generator["fc.bias"].item() == 1
    assert found.discriminator is not None and found.discriminator["fc.bias"].item() == 4
    assert found.provenance.name == "Listed gan.txt, 2 networks and Listed other.txt, 1 networks"
    assert found.provenance.origin == f"{file}, {other}"
    assert found.provenance.sha256 == f"{sha256_of(file)},{sha256_of(other)}"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "give either `path`, a file, or `url` with `sha256`."),
        ({"path": "a", "url": "https://a.b/c-8c505f47.pt"}, "give either `path`, a file, or `url` with `sha256`."),
        (
            {"url": "https://a.b/c.pt"},
            "`url` needs `sha256`, the file's digest or its first 8 digits, to tell that it came whole.",
        ),
    ],
)
def test_a_recipe_is_told_what_is_missing(fields: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Listed.model_validate(fields)
    assert [error["msg"] for error in caught.value.errors()] == [f"Value error, {message}"]
