"""DINOv2: files under the published names, and the class token of an independent definition."""

import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from reference_dinov2 import class_token, drawn_weights, published_shapes

from ganforge.errors import CheckpointError, UsageError
from ganforge.files import sha256_of
from ganforge.testing import check_extractor
from ganforge_fid.dinov2 import NETWORKS, DINOv2Spec, positions


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up file with the names and shapes of `dinov2_vits14_pretrain.pth`."""
    path = tmp_path_factory.mktemp("dinov2") / "dinov2_vits14_pretrain.pth"
    torch.save(drawn_weights(384), path)
    return path


def test_the_features_are_the_class_token_of_the_published_definition(file):
    extractor = DINOv2Spec(weights=file).build("cpu")
    images = np.random.default_rng(0).integers(0, 256, size=(3, 3, 64, 64), dtype=np.uint8)
    expected = class_token(drawn_weights(384), torch.from_numpy(extractor.prepare(images)))
    assert (extractor.name, extractor.dim, extractor.sha256) == ("dinov2-vits14", 384, sha256_of(file))
    assert extractor.resizer == "clean-fid bicubic to 224 px"
    np.testing.assert_allclose(extractor(images), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


def test_the_extractor_keeps_the_promises_of_its_interface(file):
    check_extractor(DINOv2Spec(weights=file))


@pytest.mark.parametrize("width", sorted(NETWORKS))
def test_the_published_names_and_shapes_are_those_of_the_network(width):
    name, model = NETWORKS[width]
    with torch.device("meta"):
        network = timm.create_model(model, pretrained=False, img_size=224, num_classes=0)
    published = published_shapes(width)
    del published["mask_token"]
    published["pos_embed"] = tuple(positions(torch.zeros(published["pos_embed"])).shape)
    assert {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()} == published
    assert len(published) in (175 - 1, 343 - 1) and name[-6:] in {"vits14", "vitb14", "vitl14"}


def test_positions_of_the_published_side_keep_their_place():
    # a ramp from left to right stays one, and the class token's own position stays as it is
    grid = torch.linspace(0, 1, 37).repeat(37, 1)
    table = torch.cat([torch.full((1, 1, 1), 7.0), grid.reshape(1, -1, 1)], dim=1)
    resized = positions(table)
    assert resized.shape == (1, 257, 1) and resized[0, 0, 0] == 7
    rows = resized[0, 1:, 0].reshape(16, 16)
    assert (rows[0].diff() > 0).all()
    torch.testing.assert_close(rows, rows[:1].expand(16, 16))


def test_a_file_that_is_missing_says_where_it_is_published():
    with pytest.raises(CheckpointError) as caught:
        DINOv2Spec(weights="nowhere.pth").preflight()
    assert str(caught.value) == (
        "there is no file nowhere.pth. Download "
        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vits14/dinov2_vits14_pretrain.pth and give its path as `weights`."
    )


@pytest.mark.parametrize(
    ("tensors", "found"),
    [
        ({"fc.weight": torch.zeros(2, 2)}, "no positions (pos_embed)"),
        ({"pos_embed": torch.zeros(1, 257, 384)}, "positions of shape (1, 257, 384)"),
        ({"pos_embed": torch.zeros(1, 1370, 1536)}, "positions of shape (1, 1370, 1536)"),
        (
            {"pos_embed": torch.zeros(1, 1370, 384), "register_tokens": torch.zeros(1, 4, 384)},
            "a network with registers",
        ),
    ],
)
def test_a_file_of_another_network_is_refused(tmp_path, tensors, found):
    path = tmp_path / "other.pth"
    torch.save(tensors, path)
    with pytest.raises(CheckpointError) as caught:
        DINOv2Spec(weights=path).preflight()
    assert str(caught.value) == (
        f"{path} is none of dinov2_vits14_pretrain.pth, dinov2_vitb14_pretrain.pth and dinov2_vitl14_pretrain.pth: "
        f"it holds {found}."
    )


def test_without_timm_the_error_says_what_to_install(monkeypatch, file):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError) as caught:
        DINOv2Spec(weights=file).preflight()
    assert str(caught.value) == (
        "the features of dinov2 need the package timm, which is not installed. Run: pip install ganforge-fid[dinov2]"
    )
