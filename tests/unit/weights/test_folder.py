"""Weights that are written to a folder come back as they went, with the provenance of what they were made from."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganforge.errors import CheckpointError
from ganforge.tensors import load_tensors
from ganforge.weights.converted import converted_folders, keep_converted, read_converted
from ganforge.weights.folder import load_folder, read_card, save_folder
from ganforge.weights.pretrained import PretrainedWeights, Provenance

PROVENANCE = Provenance("a GAN", "https://example.invalid/gan.pt", "8c505f47" * 8, "CC0-1.0", "Nobody 2020")
FLAT = torch.arange(12.0)


def weights() -> PretrainedWeights:
    """Tensors that share storage, one of them not contiguous."""
    grid = FLAT.clone().reshape(3, 4)
    return PretrainedWeights({"fc.weight": grid, "fc.bias": grid[:, 1]}, {"fc.bias": torch.ones(1)}, PROVENANCE)


@given(seed=st.integers(0, 2**32), networks=st.sampled_from([(True, True), (True, False), (False, True)]))
def test_weights_come_back_as_they_went(
    seed: int, networks: tuple[bool, bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = [
        {"a.weight": torch.randn(2, 3, generator=torch.Generator().manual_seed(seed)).t()} if has else None
        for has in networks
    ]
    path = tmp_path_factory.mktemp("weights") / "folder"
    save_folder(path, PretrainedWeights(made[0], made[1], PROVENANCE))
    back = load_folder(path)
    assert back.provenance == PROVENANCE
    for went, came in zip(made, (back.generator, back.discriminator), strict=True):
        assert (went is None) == (came is None)
        if went is not None and came is not None:
            assert list(came) == list(went) and torch.equal(came["a.weight"], went["a.weight"])


def test_tensors_that_share_storage_are_written_apart(tmp_path: Path) -> None:
    save_folder(tmp_path / "w", weights())
    back = load_folder(tmp_path / "w").generator
    assert back is not None and back["fc.bias"].tolist() == [1, 5, 9]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    save_folder(tmp_path / "w", weights())
    save_folder(tmp_path / "w", PretrainedWeights({"fc.bias": torch.ones(1)}, None, PROVENANCE))
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == ["card.json", "generator.safetensors"]


def test_the_same_folder_stays_since_another_process_may_be_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "w"
    save_folder(path, weights())
    before = path.stat().st_ino
    save_folder(path, weights())
    assert path.stat().st_ino == before
    (path / "generator.safetensors").write_bytes(b"damaged")
    save_folder(path, weights())
    assert load_folder(path).generator is not None
    assert [each.name for each in tmp_path.iterdir()] == ["w"]


def test_what_a_kill_left_is_removed_after_an_hour_and_nothing_else(tmp_path: Path) -> None:
    old, new = f".w.{'0' * 32}", f".w.{'1' * 32}"
    for name, age in ((old, 7200), (new, 60), (".w.local", 7200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "generator.safetensors").touch()
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    save_folder(tmp_path / "w", weights())
    assert sorted(path.name for path in tmp_path.iterdir()) == [new, ".w.local", "w"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError) as caught:
        save_folder(tmp_path / "file" / "w", weights())
    assert str(caught.value) == (
        f"can't write {tmp_path / 'file' / 'w'}: Not a directory. Make room there, or choose another folder."
    )


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_damaged_weights_are_refused_and_not_found_in_the_cache(damage: str, tmp_path: Path) -> None:
    keep_converted("mylab_1", weights(), tmp_path)
    folder = tmp_path / "converted" / "mylab_1" / PROVENANCE.sha256
    assert read_converted("mylab_1", "8c505f47", tmp_path) is not None
    file = folder / "discriminator.safetensors"
    whole = file.read_bytes()
    file.unlink()
    if damage != "remove":
        file.write_bytes(whole[:-1] + (b"" if damage == "truncate" else bytes([whole[-1] ^ 1])))
    with pytest.raises(CheckpointError) as caught:
        load_folder(folder)
    assert str(caught.value) == f"{file} is missing or damaged: its sha256 is not the one in card.json."
    assert read_converted("mylab_1", "8c505f47", tmp_path) is None


def test_what_is_kept_is_found_by_layout_and_first_digits(tmp_path: Path) -> None:
    keep_converted("mylab_1", weights(), tmp_path)
    (tmp_path / "converted" / "mylab_1" / f".{PROVENANCE.sha256}.1").mkdir()
    assert [folder.name for folder in converted_folders(tmp_path)] == [PROVENANCE.sha256]
    assert read_converted("mylab_2", "8c505f47", tmp_path) is None
    assert read_converted("mylab_1", "8c505f48", tmp_path) is None


@pytest.mark.parametrize("text", ["[" * 200_000, '{"name": ' + "9" * 5000 + "}"], ids=["nested", "digits"])
def test_a_card_that_json_cannot_hold_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(CheckpointError) as caught:
        read_card(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'card.json'} can't be read: ")


def test_a_card_that_is_a_pipe_is_called_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "card.json")
    with pytest.raises(CheckpointError) as caught:
        read_card(tmp_path)
    assert str(caught.value) == f"{tmp_path / 'card.json'} is a pipe, not a file."


def test_a_path_with_a_part_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_card(tmp_path / ("x" * 300))
    assert str(caught.value) == f"{tmp_path / ('x' * 300) / 'card.json'} can't be read: File name too long."


def test_a_size_that_torch_has_not_is_refused(tmp_path: Path) -> None:
    head = b'{"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}}'
    (tmp_path / "generator.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    with pytest.raises(CheckpointError) as caught:
        load_tensors(tmp_path / "generator.safetensors")
    assert str(caught.value).startswith(f"{tmp_path / 'generator.safetensors'} is no readable safetensors file: ")


@pytest.mark.parametrize(
    ("card", "reason"),
    [({"name": "a"}, "'licence'"), ([1], "'list' object is not a mapping")],
)
def test_a_card_says_what_it_lacks(card: object, reason: str, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError) as caught:
        read_card(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'card.json'} needs 'name', 'licence' and 'sha256' (file: digest): {reason}."
    )
