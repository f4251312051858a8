"""Published checkpoints load under the right names; hostile and damaged files are refused and never executed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.weights.keymap import KeyMap
from ganforge.weights.pretrained import StoreContext
from ganforge_flowers.gp_gan import GPGANCheckpoint
from ganforge_flowers.published import ZHAO_GENERATOR
from ganforge_flowers.specs import BUNDLED, Flowers64, ZhaoCheckpoint


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def test_the_moving_average_is_preferred_and_the_prefix_of_data_parallel_is_taken_off(tmp_path: Path) -> None:
    blocks = {f"module.resnet_{level}_0.conv_0.bias": torch.zeros(1) for level in range(6)}
    path = saved(
        tmp_path / "gan.pt",
        {
            "generator": {"module.fc.bias": torch.zeros(2), **blocks},
            "generator_test": {"module.fc.bias": torch.ones(2), **blocks},
            "discriminator": {"module.conv_img.bias": torch.full((3,), 2.0), **blocks},
            "it": 5,
        },
    )
    weights = GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert weights.generator is not None and weights.discriminator is not None
    assert weights.generator["fc.bias"].tolist() == [1, 1]
    assert weights.discriminator["conv_img.bias"].tolist() == [2, 2, 2]
    assert weights.provenance.sha256 == sha256_of(path)


def test_names_of_the_transferred_generator_are_translated(tmp_path: Path) -> None:
    theirs = {
        "small_net_2.adain_1.style.linear.bias": torch.ones(1),
        "resnet_4_1.small_adafm_0.style_gama": torch.ones(1),
        "small_style.15.linear.weight": torch.ones(1),
        "small_H.norm.weight": torch.ones(1),
    }
    weights = ZhaoCheckpoint(path=saved(tmp_path / "z.pt", {"generator": theirs})).fetch(StoreContext(tmp_path))
    assert weights.generator is not None and weights.discriminator is None
    assert sorted(weights.generator) == [
        "head_0.adain_1.style.bias",
        "mapping.fc_7.weight",
        "match.norm.weight",
        "resnet_4_1.adafm_0.gamma",
    ]


def test_the_key_map_is_one_to_one() -> None:
    ours = ZHAO_GENERATOR.to_ours({name: name for name in ZHAO_GENERATOR.pairs})
    assert len(ours) == len(ZHAO_GENERATOR.pairs) == 98
    assert ZHAO_GENERATOR.to_theirs(ours) == {name: name for name in ZHAO_GENERATOR.pairs}
    with pytest.raises(ValueError, match="the key map 'twice' gives two foreign names the same name of ours"):
        KeyMap("twice", {"a": "x", "b": "x"})


class RunsCode:
    """What an attacker would put into a checkpoint."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.sentinel}",)


@pytest.mark.parametrize("source", [GPGANCheckpoint, ZhaoCheckpoint])
def test_code_in_a_checkpoint_is_refused_and_not_run(source: type[GPGANCheckpoint], tmp_path: Path) -> None:
    sentinel, path = tmp_path / "was_run", tmp_path / "gan.pt"
    for write in (lambda content: torch.save(content, path), lambda content: path.write_bytes(pickle.dumps(content))):
        write({"generator": RunsCode(sentinel)})
        with pytest.raises(CheckpointError) as caught:
            source(path=path).fetch(StoreContext(tmp_path))
        assert str(caught.value) == (
            f"{path} holds more than tensors and numbers; loading it could run code, so it is refused. "
            "Convert it to safetensors where it was made."
        )
        assert not sentinel.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no checkpoint {path}. Name it with source.path=FILE."),
        (b"", "{path} is damaged or no checkpoint."),
        (b"<html>404</html>", "{path} is damaged or no checkpoint."),
        (b"PK\x03\x04" + bytes(100), "{path} is damaged or no checkpoint."),
        ([1, 2], "{path} holds a list, not a dictionary of state dicts."),
        ({"weights": {}}, "{path} has neither 'generator' nor 'discriminator'; it has: weights."),
        ({"generator": 3}, "{path}: 'generator' is no state dict (a dictionary of tensors)."),
        ({"generator": {"fc": "a"}}, "{path}: 'generator' is no state dict (a dictionary of tensors)."),
    ],
    ids=["missing", "empty", "html", "damaged zip", "list", "no networks", "number", "no tensors"],
)
def test_a_file_that_is_no_checkpoint_is_named(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "gan.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        saved(path, content)
    with pytest.raises(CheckpointError) as caught:
        GPGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == message.format(path=path)


def test_a_checkpoint_of_another_kind_is_told_by_its_names(tmp_path: Path) -> None:
    path = saved(tmp_path / "z.pt", {"generator": {"conv1.weight": torch.ones(1)}})
    with pytest.raises(CheckpointError) as caught:
        ZhaoCheckpoint(path=path).fetch(StoreContext(tmp_path))
    expected = "the key map 'zhao_generator' doesn't know conv1.weight. Is it a checkpoint of another kind?"
    assert str(caught.value) == expected


def test_the_bundled_flower_gan_is_whole_and_says_where_it_comes_from(tmp_path: Path) -> None:
    weights = Flowers64().fetch(StoreContext(tmp_path))
    assert weights.generator is not None and weights.discriminator is not None
    assert weights.generator["fc.weight"].dtype == torch.float32
    assert "CC BY 2.0" in weights.provenance.licence
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 12e6
