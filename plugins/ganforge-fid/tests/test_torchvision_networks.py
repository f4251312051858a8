"""torchvision's networks: what reaches the last layer, at the documented side and scaling, from a verified file."""

import pickle
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from torchvision.models import get_model, get_model_weights

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.testing import check_extractor
from ganforge_fid import torchvision_networks
from ganforge_fid.network import IMAGENET
from ganforge_fid.torchvision_networks import HEADS, SIDE, TorchvisionSpec


def drawn_network(name: str) -> torch.nn.Module:
    """With random weights that keep features apart, and with batch norms that have seen images."""
    torch.manual_seed(0)
    network = get_model(name, weights=None).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return network


def saved(network: torch.nn.Module, path: Path) -> Path:
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(drawn_network("resnet18"), tmp_path_factory.mktemp("torchvision") / "r18.pth")


def test_every_network_has_a_known_head():
    assert set(get_args(TorchvisionSpec.model_fields["network"].annotation)) == set(HEADS)


@pytest.mark.parametrize("name", HEADS)
def test_features_are_what_torchvisions_own_network_gives_to_its_last_layer(name, monkeypatch):
    network = drawn_network(name)
    # as if read from a file, of which the largest has half a gigabyte
    monkeypatch.setattr(torchvision_networks, "read_state_dict", lambda path, advice: (network.state_dict(), "0" * 64))
    extractor = TorchvisionSpec(network=name, weights="any.pth").build("cpu")
    images = np.random.default_rng(0).integers(0, 256, size=(2, 3, 32, 32), dtype=np.uint8)
    *_, last = (module for module in network.modules() if isinstance(module, torch.nn.Linear))
    seen = []
    last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        logits = network(torch.from_numpy(extractor.prepare(images)))
    assert logits.shape == (2, 1000)
    features = extractor(images)
    assert features.shape == (2, extractor.dim) and extractor.name == name
    scale = float(seen[0].abs().max())
    assert np.abs(features[0] - features[1]).max() > 1e-3 * scale
    np.testing.assert_allclose(features, seen[0], rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("name", HEADS)
def test_side_and_scaling_are_those_that_torchvision_documents(name):
    documented = get_model_weights(name)["IMAGENET1K_V1"].transforms()
    assert documented.crop_size == [SIDE]
    assert tuple(255 * mean for mean in documented.mean) == pytest.approx(IMAGENET.mean)
    assert tuple(255 * deviation for deviation in documented.std) == pytest.approx(IMAGENET.spread)


def test_the_extractor_keeps_the_promises_of_its_interface(resnet18):
    spec = TorchvisionSpec(network="resnet18", weights=resnet18)
    check_extractor(spec)
    assert spec.build("cpu").sha256 == sha256_of(resnet18)


def test_a_file_that_is_missing_says_where_it_is_published():
    with pytest.raises(CheckpointError) as caught:
        TorchvisionSpec(network="resnet50", weights="r50.pth").preflight()
    assert str(caught.value) == (
        "there is no file r50.pth. Download https://download.pytorch.org/models/resnet50-0676ba61.pth, "
        "or another state dict of this network, and give its path as `weights`."
    )


def test_a_file_of_another_network_is_refused(resnet18, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        TorchvisionSpec(network="resnet50", weights=resnet18).preflight()
    assert str(caught.value) == (
        f"{resnet18} does not hold the weights of torchvision's resnet50: "
        "layer1.0.conv1.weight is 64 x 64 x 3 x 3 and not 64 x 64 x 1 x 1; "
        "layer1.1.conv1.weight is 64 x 64 x 3 x 3 and not 64 x 256 x 1 x 1; "
        "layer2.0.conv1.weight is 128 x 64 x 3 x 3 and not 128 x 256 x 1 x 1 and 21 more."
    )
    tensors = torch.load(resnet18, weights_only=True)
    del tensors["fc.bias"]
    torch.save({**tensors, "extra": torch.zeros(1)}, tmp_path / "cut.pth")
    with pytest.raises(CheckpointError) as caught:
        TorchvisionSpec(network="resnet18", weights=tmp_path / "cut.pth").preflight()
    assert str(caught.value) == (
        f"{tmp_path / 'cut.pth'} does not hold the weights of torchvision's resnet18: "
        "it lacks fc.bias; it has extra too much."
    )


def test_code_in_a_file_is_refused_and_not_run(tmp_path):
    sentinel, path = tmp_path / "was_run", tmp_path / "r18.pth"

    class RunsCode:
        def __reduce__(self):
            return sentinel.touch, ()

    path.write_bytes(pickle.dumps({"fc.bias": RunsCode()}, protocol=2))
    with pytest.raises(CheckpointError, match="loading it could run code, so it is refused"):
        TorchvisionSpec(network="resnet18", weights=path).preflight()
    assert not sentinel.exists()


ODD = " holds tensors that are no plain finite numbers: {}."
UNUSABLE = ": 'the file' has a tensor '{{}}' that can't be used: {}."
MISFIT = " does not hold the weights of torchvision's resnet18: {} is integer and not floating-point."


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (lambda weight: weight.long(), MISFIT),
        (lambda weight: weight.bool(), ODD),
        (lambda weight: weight.to(torch.complex64), UNUSABLE.format("its numbers are complex64")),
        (lambda weight: weight.to(torch.float8_e4m3fn), UNUSABLE.format("its numbers are float8_e4m3fn")),
        (lambda weight: weight.to_sparse(), UNUSABLE.format("it is sparse")),
        (lambda weight: weight.to("meta"), UNUSABLE.format("it has no values (device meta)")),
        (lambda weight: weight * float("nan"), ODD),
    ],
    ids=["integer", "boolean", "complex", "float8", "sparse", "meta", "not finite"],
)
def test_weights_that_are_no_plain_numbers_are_refused(resnet18, tmp_path, fault, found):
    name, path = "conv1.weight", tmp_path / "odd.pth"
    tensors = torch.load(resnet18, weights_only=True)
    torch.save({**tensors, name: fault(tensors[name])}, path)
    with pytest.raises(CheckpointError) as caught:
        TorchvisionSpec(network="resnet18", weights=path).preflight()
    assert str(caught.value) == f"{path}{found.format(name)}"
