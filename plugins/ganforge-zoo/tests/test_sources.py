"""Checkpoints come from a file or an address; what is no such checkpoint is named, and none of its code runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.testing import check_source
from ganforge.weights.catalogue import convert
from ganforge.weights.checkpoint_source import CheckpointSource
from ganforge.weights.pretrained import StoreContext
from ganforge_zoo.biggan_source import BigGANCheckpoint
from ganforge_zoo.names import with_sigmas
from ganforge_zoo.sngan_source import SNGANCheckpoint

#: Excerpts with the packages' names; the values don't matter here.
SNGAN = {
    "module.l1.bias": torch.ones(2),
    "block2.b1.running_var": torch.ones(2),
    "block2.b1.num_batches_tracked": torch.tensor(5),
    "block3.c_sc.weight": torch.ones(2, 2, 1, 1),
    "b4.weight": torch.ones(2),
}
DISCRIMINATOR = {
    "block1.c1.weight_orig": torch.full((2, 3, 1, 1), 2.0),
    "block1.c1.weight_u": torch.tensor([0.6, 0.8]),
    "block1.c1.weight_v": torch.tensor([1.0, 0.0, 0.0]),
    "block2.c1.bias": torch.ones(2),
    "l3.weight_orig": torch.ones(1, 2),
    "l3.weight_u": torch.ones(1),
    "l3.weight_v": torch.ones(2),
}
BIGGAN = {
    "embeddings.weight": torch.arange(6.0).reshape(2, 3),
    "generator.gen_z.bias": torch.arange(32.0),
    "generator.layers.0.bn_0.running_means": torch.arange(6.0).reshape(3, 2),
    "generator.layers.1.gamma": torch.ones(1),
    "generator.layers.2.conv_3.bias": torch.ones(2),
}
SOURCES: dict[type[CheckpointSource], dict[str, Any]] = {
    SNGANCheckpoint: {"model_state_dict": SNGAN, "optimizer_state_dict": None, "global_step": 7},
    BigGANCheckpoint: BIGGAN,
}


def saved(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("by_address", [False, True])
def test_a_source_keeps_its_promises(
    kind: type[CheckpointSource], by_address: bool, site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = site
    digest = sha256_of(saved(folder / "net.pth", SOURCES[kind]))
    place = {"url": f"{address}/net.pth"} if by_address else {"path": folder / "net.pth"}
    source = kind(**place, sha256=digest[:8])
    source.preflight()
    check_source(source, tmp_path / "cache")
    first = source.fetch(StoreContext(tmp_path / "cache"))
    assert (first.discriminator, first.provenance.sha256) == (None, digest)
    if by_address:
        (folder / "net.pth").unlink()
        assert source.cached(tmp_path / "cache") == tmp_path / "cache" / "converted" / kind.layout / digest
        assert source.fetch(StoreContext(tmp_path / "cache")).provenance == first.provenance


def names_of(weights: dict[str, Tensor] | None) -> list[str]:
    assert weights is not None
    return sorted(weights)


def test_names_of_an_sngan_are_translated(tmp_path: Path) -> None:
    files = saved(tmp_path / "g.pth", SNGAN), saved(tmp_path / "d.pth", {"model_state_dict": DISCRIMINATOR})
    weights = SNGANCheckpoint(path=files[0], discriminator=files[1]).fetch(StoreContext(tmp_path))
    assert names_of(weights.generator) == [
        "block_0.bn_0.running_var",
        "block_1.conv_s.weight",
        "conv_img.bn.weight",
        "fc.bias",
    ]
    assert names_of(weights.discriminator) == [
        "block_0.conv_0.weight",
        "block_0.spectral_0.sigma",
        "block_0.spectral_0.u",
        "block_0.spectral_0.v",
        "block_1.conv_0.bias",
        "fc.linear.spectral.sigma",
        "fc.linear.spectral.u",
        "fc.linear.spectral.v",
        "fc.linear.weight",
    ]
    assert weights.discriminator is not None
    assert weights.discriminator["block_0.spectral_0.sigma"].item() == pytest.approx(2.8)
    digests = [sha256_of(file) for file in files]
    assert (weights.provenance.origin, weights.provenance.sha256) == (f"{files[0]}, {files[1]}", ",".join(digests))


def test_names_and_order_of_a_biggan_are_translated(tmp_path: Path) -> None:
    path = saved(tmp_path / "pytorch_model.bin", BIGGAN)
    weights = BigGANCheckpoint(path=path, truncation=0.5).fetch(StoreContext(tmp_path)).generator
    assert names_of(weights) == [
        "attention.gamma",
        "block_0.bn_0.running_mean",
        "block_1.conv_3.bias",
        "fc.bias",
        "mapping.weight",
    ]
    assert weights is not None
    assert weights["mapping.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    # theirs by pixel and channel, ours by channel and pixel
    assert weights["fc.bias"].tolist() == [*range(0, 32, 2), *range(1, 32, 2)]
    assert weights["block_0.bn_0.running_mean"].tolist() == [2, 3]


class RunsCode:
    """What an attacker would put into a checkpoint."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.sentinel}",)


@pytest.mark.parametrize("kind", SOURCES)
def test_code_in_a_checkpoint_is_refused_and_not_run(kind: type[CheckpointSource], tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", {"l1.bias": RunsCode(tmp_path / "was_run")})
    with pytest.raises(CheckpointError) as caught:
        kind(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == (
        f"{path} holds more than tensors and numbers; loading it could run code, so it is refused. "
        "Convert it to safetensors where it was made."
    )
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("fields", "content", "message"),
    [
        ({"path": "net.pth"}, DISCRIMINATOR, "{path} holds a discriminator. Name it with source.discriminator=FILE."),
        (
            {"path": "net.pth"},
            {**SNGAN, "block2.c9.bias": torch.ones(1)},
            "the key map 'sngan_generator_2' doesn't know block2.c9.bias. Is it a checkpoint of another kind?",
        ),
        (
            {"path": "net.pth"},
            {"it": 5},
            "{path}: 'model_state_dict' is no state dict (a dictionary of tensors).",
        ),
    ],
)
def test_a_file_that_is_no_sngan_is_named(
    fields: dict[str, str], content: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(Path("net.pth"), content)
    with pytest.raises(CheckpointError) as caught:
        SNGANCheckpoint.model_validate(fields).fetch(StoreContext(tmp_path))
    assert str(caught.value) == message.format(path="net.pth")


def test_a_generator_in_the_place_of_a_discriminator_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "g.pth", SNGAN)
    with pytest.raises(CheckpointError) as caught:
        SNGANCheckpoint(path=path, discriminator=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == f"{path} holds a generator. Name it with source.path=FILE."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"l1.bias": torch.ones(1)}, "{path} is no BigGAN of pytorch-pretrained-biggan; it has: l1.bias."),
        (
            {**BIGGAN, "generator.layers.2.gamma": torch.ones(1)},
            "{path} is no BigGAN of pytorch-pretrained-biggan; it has: embeddings.weight, generator.gen_z.bias, "
            "generator.layers.0.bn_0.running_means, generator.layers.1.gamma, generator.layers.2.conv_3.bias.",
        ),
        (
            {**BIGGAN, "generator.bn.running_vars": torch.ones(2)},
            "{path}: generator.bn.running_vars has the shape (2,), but must be a table of at least two truncations.",
        ),
        (
            {**BIGGAN, "generator.gen_z.bias": torch.ones(30)},
            "{path}: generator.gen_z.bias has the shape (30,), whose rows fill no grid of 4 x 4 pixels.",
        ),
    ],
)
def test_a_file_that_is_no_biggan_is_named(content: Any, message: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "model.bin", content)
    with pytest.raises(CheckpointError) as caught:
        BigGANCheckpoint(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == message.format(path=path)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_missing_file_is_found_before_the_data_are_prepared(kind: type[CheckpointSource], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        kind(path=tmp_path / "net.pth").preflight()
    assert str(caught.value) == f"there is no checkpoint {tmp_path / 'net.pth'}. Name it with source.path=FILE."
    with pytest.raises(CheckpointError, match=r"Name it with source\.discriminator=FILE\.$"):
        SNGANCheckpoint(url="https://a.b/g-0123abcd.pth", discriminator=tmp_path / "d.pth").preflight()


def test_a_file_that_is_not_the_promised_one_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", SNGAN)
    with pytest.raises(CheckpointError, match=r"is not the file that was promised: its sha256 is"):
        SNGANCheckpoint(path=path, sha256="0123abcd").fetch(StoreContext(tmp_path))


@pytest.mark.parametrize("kind", SOURCES)
def test_a_recipe_is_told_what_a_checkpoint_needs(kind: type[CheckpointSource]) -> None:
    for fields, message in (
        ({}, "give either `path`, a file, or `url` with `sha256`."),
        ({"path": "a", "url": "https://a.b/c-8c505f47.pt"}, "give either `path`, a file, or `url` with `sha256`."),
        (
            {"url": "https://a.b/c.pt"},
            "`url` needs `sha256`, the file's digest or its first 8 digits, to tell that it came whole.",
        ),
    ):
        with pytest.raises(ValidationError) as caught:
            kind.model_validate(fields)
        assert [error["msg"] for error in caught.value.errors()] == [f"Value error, {message}"]
    source = kind.model_validate({"url": "https://a.b/c-8c505f47.pt"})
    assert source.published() is not None and source.published().sha256 == "8c505f47"


def test_the_command_line_converts_a_checkpoint_to_a_folder(components: Any, tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", SNGAN)
    provenance = convert(path, tmp_path / "out", "sngan_checkpoint", components, StoreContext(tmp_path))
    assert provenance.name == "SNGAN net.pth"
    assert (tmp_path / "out" / "generator.safetensors").is_file()


@pytest.mark.parametrize(
    ("shape", "u_shape", "v_shape", "dtype"),
    [((3,), (), (3,), torch.float32), ((), (), (), torch.float32), ((2, 3), (2,), (3,), torch.float16)],
)
def test_vectors_of_other_shapes_and_formats_stop_no_reading(
    shape: tuple[int, ...], u_shape: tuple[int, ...], v_shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    weights = {"fc.weight": torch.ones(shape, dtype=dtype)}
    weights |= {"fc.spectral.u": torch.ones(u_shape), "fc.spectral.v": torch.ones(v_shape)}
    assert ("fc.spectral.sigma" in with_sigmas(weights)) == (len(shape) == 2)


@pytest.mark.parametrize("source", [SNGANCheckpoint, BigGANCheckpoint])
def test_a_number_of_thousands_of_digits_is_no_layer(source: type[CheckpointSource], tmp_path: Path) -> None:
    path = tmp_path / "gan.pth"
    number = "9" * 5000
    torch.save({f"block{number}.c1.weight": torch.ones(1), f"generator.layers.{number}.x": torch.ones(1)}, path)
    with pytest.raises(CheckpointError):
        source.read(path)


def test_embeddings_must_be_a_table(tmp_path: Path) -> None:
    path = tmp_path / "gan.bin"
    torch.save({"embeddings.weight": torch.ones(2, 2, 2)}, path)
    with pytest.raises(CheckpointError) as caught:
        BigGANCheckpoint.read(path)
    assert str(caught.value) == (
        f"{path}: embeddings.weight has the shape (2, 2, 2), but must be a table with a column per class."
    )
