"""Files in torch's format that are damaged, or made to fill the memory, are refused before they do harm."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.weights import foreign
from ganforge.weights.foreign import read_torch_file, state_dict


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_torch_file(path)
    return str(caught.value)


def of_state_dict(weights: dict[str, Tensor]) -> str:
    with pytest.raises(CheckpointError) as caught:
        state_dict(weights, Path("gan.pt"), "generator")
    return str(caught.value)


def rewritten(path: Path, compression: int) -> None:
    """A saved checkpoint, its records compressed or not."""
    saved = io.BytesIO()
    torch.save({"generator": {"a": torch.zeros(1000)}}, saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


@pytest.mark.parametrize("content", [b"ustar\0" * 100, b"\x80\x02\x85R.", b"\x80", b"\x80\x02G\x00.", b"PK\x03\x04"])
def test_bytes_on_which_the_unpickler_stumbles_are_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gan.pt"
    path.write_bytes(content)
    assert refusal(path) == f"{path} is damaged or no checkpoint."


@pytest.mark.parametrize("error", [MemoryError, AssertionError, pickle.PickleError])
def test_whatever_torch_raises_is_damage(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*words: object, **names: object) -> None:
        raise error

    path = tmp_path / "gan.pt"
    rewritten(path, zipfile.ZIP_STORED)
    monkeypatch.setattr(torch, "load", load)
    assert refusal(path) == f"{path} is damaged or no checkpoint."


def test_compressed_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gan.pt"
    rewritten(path, zipfile.ZIP_STORED)
    assert "generator" in read_torch_file(path)
    rewritten(path, zipfile.ZIP_DEFLATED)
    message = f"{path} is damaged or no checkpoint: its record 'archive/data.pkl' is compressed."
    assert refusal(path) == message


def zeros(name: str, count: int) -> bytes:
    """A pickle that asks for so many zeros."""
    module, _, attribute = name.rpartition(".")
    return b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"J" + count.to_bytes(4, "little") + b"\x85R."


@pytest.mark.parametrize("name", ["builtins.bytearray", "__builtin__.bytearray", "torch.FloatTensor", "torch.Tensor"])
@pytest.mark.parametrize("is_archive", [True, False])
def test_a_few_bytes_can_not_fill_the_memory(
    name: str, is_archive: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = tmp_path / "gan.pt", zeros(name, 1_500_000_000)
    if is_archive:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", content)
    else:
        path.write_bytes(content)
    monkeypatch.setattr(torch, "load", lambda *words, **names: pytest.fail("it was read"))
    assert refusal(path).endswith(f"no checkpoint: it makes a {name.rpartition('.')[2]}, which no state dict holds.")


@pytest.mark.parametrize("is_archive", [True, False])
def test_what_torch_saves_has_nothing_of_that(is_archive: bool, tmp_path: Path) -> None:
    path, network = tmp_path / "gan.pt", torch.nn.BatchNorm2d(3)
    content = {"generator": network.state_dict(), "parameters": list(network.parameters()), "it": 7}
    torch.save(content, path, _use_new_zipfile_serialization=is_archive)
    assert read_torch_file(path)["it"] == 7


def test_more_operations_than_any_state_dict_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gan.pt"
    rewritten(path, zipfile.ZIP_STORED)
    monkeypatch.setattr(foreign, "MAX_OPERATIONS", 10)
    assert refusal(path).endswith("it has more than 10 operations.")


def test_a_large_pickle_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "gan.pt"
    rewritten(path, zipfile.ZIP_STORED)
    monkeypatch.setattr(foreign, "MAX_PICKLE", 10)
    assert "its record 'archive/data.pkl' has " in refusal(path)
    assert refusal(path).endswith(" bytes, more than 10.")


@pytest.mark.parametrize(
    ("tensor", "flaw"),
    [
        (torch.eye(2).to_sparse(), "it is sparse"),
        (torch.eye(2).to_sparse_csr(), "it is sparse"),
        (torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "it is quantised"),
        (torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]), "it is nested"),
        (torch.ones(2, device="meta"), "it has no values (device meta)"),
        (torch.ones(2, dtype=torch.complex64), "its numbers are complex64"),
        (torch.ones(2).to(torch.float8_e4m3fn), "its numbers are float8_e4m3fn"),
        (torch.ones(1).expand(1 << 40), "it is larger than what is stored of it"),
    ],
)
def test_a_tensor_that_is_not_plain_is_named(tensor: Tensor, flaw: str) -> None:
    assert of_state_dict({"a": tensor}) == f"gan.pt: 'generator' has a tensor 'a' that can't be used: {flaw}."


@pytest.mark.parametrize(
    ("key", "flaw"),
    [
        ("module.a", "another one is named 'a' as well"),
        ("__metadata__", "safetensors keeps remarks under that name"),
        ("a\ud800", "its name holds characters that can't be printed"),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused(key: str, flaw: str) -> None:
    weights = {"a": torch.ones(1), key: torch.ones(1)}
    assert of_state_dict(weights) == f"gan.pt: 'generator' has a tensor {key!r} that can't be used: {flaw}."
