"""weights ls, fetch, verify and card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_server import FaultyServer, content, status
from typer.testing import Result

from ganforge.registry import Components

Ganforge = Callable[..., Result]
BODY = b"weights of a GAN"
DIGEST = hashlib.sha256(BODY).hexdigest()
PLUGIN = """\
from typing import Literal

from ganforge import hookimpl
from ganforge.interfaces import SourceSpec
from ganforge.weights.pretrained import PretrainedWeights, Provenance, PublishedFile
from ganforge.weights.store import fetch_file, stored_files


class MyLabGAN(SourceSpec):
    \"\"\"Published by my lab.\"\"\"

    kind: Literal["mylab_gan"] = "mylab_gan"
    licence: str = "CC0-1.0"

    def published(self):
        return PublishedFile("{url}", "{digest}")

    def cached(self, cache):
        return next((file for file, _ in stored_files(cache, "{digest}")), None)

    def fetch(self, context):
        fetch_file("{url}", "{digest}", context)
        return PretrainedWeights({{}}, None, Provenance("mylab", "{url}", "{digest}", self.licence))


@hookimpl
def ganforge_sources():
    return [MyLabGAN]
"""

ELSEWHERE = """\
from typing import Literal

from ganforge import hookimpl
from ganforge.errors import CheckpointError
from ganforge.interfaces import SourceSpec


class Elsewhere(SourceSpec):
    \"\"\"In another package.\"\"\"

    kind: Literal["mylab_elsewhere"] = "mylab_elsewhere"

    def preflight(self):
        raise CheckpointError("the package mylab-gan is not installed.")

    def fetch(self, context):
        raise NotImplementedError


@hookimpl
def ganforge_sources():
    return [Elsewhere]
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def plugin(server: FaultyServer, tmp_path: Path) -> Path:
    path = tmp_path / "mylab.py"
    path.write_text(PLUGIN.format(url=server.serve("/gan.pt", content(BODY)), digest=DIGEST))
    return path


def states(ganforge: Ganforge, *words: object) -> dict[str, str]:
    rows = json.loads(ganforge("weights", "ls", "--json", *words).stdout)
    return {row["kind"]: row["state"] for row in rows}


def test_ls_names_every_source_and_whether_it_is_cached(
    ganforge: Ganforge, components: Components, plugin: Path, cache: Path
) -> None:
    before = states(ganforge, "-p", plugin)
    assert sorted(before) == sorted(["mylab_gan", *(name for name, _, _ in components["source"])])
    assert (before["mylab_gan"], before["run"], before["flowers_64"]) == ("not cached", "needs fields", "installed")
    ganforge("weights", "fetch", "mylab_gan", "-p", plugin)
    assert states(ganforge, "-p", plugin) == {**before, "mylab_gan": "cached"}


def test_ls_says_what_a_source_misses_that_reads_another_package(
    ganforge: Ganforge, tmp_path: Path, cache: Path
) -> None:
    file = tmp_path / "mylab.py"
    file.write_text(ELSEWHERE)
    rows = json.loads(ganforge("weights", "ls", "--json", "-p", file).stdout)
    found = next(row for row in rows if row["kind"] == "mylab_elsewhere")
    assert found == {"kind": "mylab_elsewhere", "state": "missing", "detail": "the package mylab-gan is not installed."}


def test_ls_is_a_table(ganforge: Ganforge, plugin: Path, server: FaultyServer, cache: Path) -> None:
    result = ganforge("weights", "ls", "-p", plugin)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["source", "state", "from"]
    assert ["mylab_gan", "not", "cached", f"{server.address}/gan.pt"] in lines
    assert ["gp_gan_checkpoint", "needs", "fields", "path,", "or", "url", "with", "sha256"] in lines


def test_fetch_of_a_kind_and_of_an_address_end_at_the_same_file(
    ganforge: Ganforge, plugin: Path, server: FaultyServer, cache: Path
) -> None:
    place = cache / "downloads" / DIGEST / "gan.pt"
    for words in (("mylab_gan",), (f"{server.address}/gan.pt", "--sha256", DIGEST[:8])):
        result = ganforge("weights", "fetch", *words, "-p", plugin)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.splitlines()[-1] == f"verified: {place}"
    assert server.asked == ["/gan.pt"]


def test_fetch_reports_a_fault_with_exit_code_7(ganforge: Ganforge, server: FaultyServer, cache: Path) -> None:
    url = server.serve("/gan-8c505f47.pt", status(503))
    result = ganforge("weights", "fetch", url)
    assert result.exit_code == 7
    assert result.stderr == (
        f"error: {url} can't be fetched: the server answers 503 Service Unavailable. "
        "Download it by hand; a recipe then takes the file with source.path=FILE.\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["https://example.invalid/gan.pt"],
            "https://example.invalid/gan.pt needs --sha256, the file's digest or its first 8 digits, "
            "to tell that it came whole.",
        ),
        (["flowers_64"], "'flowers_64' downloads nothing: what it reads is on this machine already."),
        (["run"], "'run' is no file of its own: a recipe says where it is (path)."),
        (
            ["gp_gan_imagenet", "--sha256", "0" * 8],
            "--sha256 is for addresses; 'gp_gan_imagenet' has a sha256 of its own.",
        ),
    ],
)
def test_fetch_says_what_it_cannot_fetch(words: list[str], message: str, ganforge: Ganforge, cache: Path) -> None:
    result = ganforge("weights", "fetch", *words)
    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


def test_fetch_says_what_is_missing_where_a_source_reads_another_package(
    ganforge: Ganforge, tmp_path: Path, cache: Path
) -> None:
    file = tmp_path / "mylab.py"
    file.write_text(ELSEWHERE)
    result = ganforge("weights", "fetch", "mylab_elsewhere", "-p", file)
    assert (result.exit_code, result.stderr) == (5, "error: the package mylab-gan is not installed.\n")


def test_an_unknown_source_is_met_with_a_suggestion(ganforge: Ganforge, cache: Path) -> None:
    for verb in ("fetch", "card"):
        result = ganforge("weights", verb, "flowers_46")
        assert result.exit_code == 2
        assert result.stderr.startswith(
            "error: no source is called 'flowers_46'. Did you mean 'flowers_64'? Installed: "
        )


def test_verify_hashes_all_that_is_cached_and_names_what_is_damaged(
    ganforge: Ganforge, plugin: Path, cache: Path
) -> None:
    assert ganforge("weights", "verify").stdout == f"no weights are cached in {cache}\n"
    ganforge("weights", "fetch", "mylab_gan", "-p", plugin)
    place = cache / "downloads" / DIGEST / "gan.pt"
    result = ganforge("weights", "verify")
    assert (result.exit_code, result.stdout) == (0, f"{place}\n1 item verified\n")
    place.write_bytes(b"other")
    result = ganforge("weights", "verify")
    assert result.exit_code == 5
    assert result.stderr == (
        f"error: {place} is damaged: its sha256 is {hashlib.sha256(b'other').hexdigest()}\n"
        "What is damaged is not used; remove it, or fetch it again.\n"
    )


def test_card_of_a_kind_says_its_licence_before_it_is_fetched(ganforge: Ganforge, plugin: Path, cache: Path) -> None:
    found = json.loads(ganforge("weights", "card", "mylab_gan", "-p", plugin).stdout)
    assert (found["origin_sha256"], found["licence"]) == (DIGEST, "CC0-1.0")
    assert "CC BY 2.0" in json.loads(ganforge("weights", "card", "flowers_64").stdout)["licence"]
    assert not cache.exists()


def test_card_of_a_folder_without_one_says_so(ganforge: Ganforge, tmp_path: Path, cache: Path) -> None:
    result = ganforge("weights", "card", tmp_path)
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: {tmp_path} is no weights folder: it has no card.json.\n",
    )
