"""weights convert: from a published checkpoint to a folder that recipes can name."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import Result

from ganforge.weights.pretrained import StoreContext
from ganforge.weights.specs import WeightsFolder

Ganforge = Callable[..., Result]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def checkpoint(path: Path) -> Path:
    blocks = {f"module.resnet_{level}_0.conv_0.bias": torch.zeros(1) for level in range(6)}
    generator, discriminator = {"module.fc.bias": torch.ones(2), **blocks}, {"module.fc.bias": torch.zeros(1), **blocks}
    torch.save({"generator": generator, "discriminator": discriminator}, path)
    return path


def test_convert_makes_a_weights_folder(ganforge: Ganforge, tmp_path: Path, cache: Path) -> None:
    file, out = checkpoint(tmp_path / "gan.pt"), tmp_path / "out"
    result = ganforge("weights", "convert", file, out)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"wrote {out}: GP-GAN gan.pt, layout lsun\nuse it with source='{{kind: weights_folder, path: {out}}}'\n"
    )
    found = WeightsFolder(path=out).fetch(StoreContext(cache))
    assert found.generator is not None and found.generator["fc.bias"].tolist() == [1, 1]
    assert found.discriminator is not None and found.discriminator["fc.bias"].tolist() == [0]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (found.provenance.origin, found.provenance.sha256) == (str(file), digest)
    assert json.loads(ganforge("weights", "card", out).stdout)["origin_sha256"] == digest


class RunsCode:
    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.sentinel}",)


def test_convert_refuses_code_and_writes_nothing(ganforge: Ganforge, tmp_path: Path, cache: Path) -> None:
    file, out, sentinel = tmp_path / "gan.pt", tmp_path / "out", tmp_path / "was_run"
    torch.save({"generator": {"fc.bias": RunsCode(sentinel)}}, file)
    result = ganforge("weights", "convert", file, out)
    assert result.exit_code == 5
    assert result.stderr == (
        f"error: {file} holds more than tensors and numbers; loading it could run code, so it is refused. "
        "Convert it to safetensors where it was made.\n"
    )
    assert not sentinel.exists() and not out.exists()


def test_convert_says_what_is_in_the_way(ganforge: Ganforge, tmp_path: Path, cache: Path) -> None:
    file, out = checkpoint(tmp_path / "gan.pt"), tmp_path / "out"
    result = ganforge("weights", "convert", tmp_path / "none.pt", out)
    assert (result.exit_code, result.stderr) == (5, f"error: there is no file {tmp_path / 'none.pt'}.\n")
    os.mkfifo(tmp_path / "pipe.pt")
    result = ganforge("weights", "convert", tmp_path / "pipe.pt", out)
    assert (result.exit_code, result.stderr) == (5, f"error: {tmp_path / 'pipe.pt'} is a pipe, not a file.\n")
    out.mkdir()
    (out / "mine.txt").touch()
    result = ganforge("weights", "convert", file, out)
    assert (result.exit_code, result.stderr) == (2, f"error: {out} is there already. Name a new folder.\n")
    result = ganforge("weights", "convert", file, tmp_path / "new", "--as", "flowers_64")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: 'flowers_64' reads no file that could be named. Kinds that do: ")
    assert "gp_gan_checkpoint, " in result.stderr
    result = ganforge("weights", "convert", file, tmp_path / "new", "--as", "weights_folder", "--licence", "MIT")
    assert result.exit_code == 2
    assert result.stderr == "error: 'weights_folder' takes the licence from what it reads: leave --licence out.\n"
    checkpoint(tmp_path / "other.pt")
    (tmp_path / "pipe.pt").unlink()
    result = ganforge("weights", "convert", tmp_path, tmp_path / "new")
    assert (result.exit_code, result.stderr) == (
        5,
        f"error: {tmp_path} must hold one .pt file, but holds 2 (gan.pt, other.pt). "
        "Name the file in place of the folder.\n",
    )


@pytest.mark.filterwarnings("error")
def test_a_pickle_that_is_none_of_torch_is_refused_without_warnings(
    ganforge: Ganforge, tmp_path: Path, cache: Path
) -> None:
    file = tmp_path / "gan.pkl"
    file.write_bytes(pickle.dumps({"a": RunsCode(tmp_path / "was_run")}, protocol=4))
    result = ganforge("weights", "convert", file, tmp_path / "out")
    assert (result.exit_code, result.stderr) == (
        5,
        f"error: {file} holds more than tensors and numbers; loading it could run code, so it is refused. "
        "Convert it to safetensors where it was made.\n",
    )
