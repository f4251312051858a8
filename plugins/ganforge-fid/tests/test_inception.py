"""Inception: equality with torch-fidelity and clean-fid at equal weights, and the files that are taken for it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from faulty_server import content, status

from ganforge.errors import CheckpointError, DownloadError
from ganforge.testing import check_extractor
from ganforge_fid import inception
from ganforge_fid.inception import InceptionSpec, PublishedFile
from ganforge_fid.inception_network import network_of_the_fid
from ganforge_fid.resizing import clean_resizer
from ganforge_fid.specs import FID, KID, FrechetDistance, KernelDistance


def noise(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(n, 3, side, side), dtype=np.uint8)


def published(monkeypatch, path: Path, form: str, url: str = "https://example.org/w.pt") -> str:
    """Pretend that this file, and no other, is the published one; its sha256."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "PUBLISHED", {sha256: PublishedFile(path.name, url, form)})
    return sha256


def test_the_state_dict_gives_the_features_of_torch_fidelity(monkeypatch, tmp_path):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    torch.manual_seed(0)
    network = network_of_the_fid()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    published(monkeypatch, path, "state dict")
    images = noise(2, 299)
    oracle = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=str(path))
    with torch.inference_mode():
        expected = oracle(torch.from_numpy(images))[0].numpy()
    features = InceptionSpec(weights=path).build("cpu")(images)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5 * float(np.abs(expected).max()))


class Layers(torch.nn.Module):
    """The mean of each channel, repeated to 2048 features."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == 299
        assert x.shape[3] == 299
        return torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1).repeat(1, 683)[:, :2048]


class Archive(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) + 1


def test_the_torchscript_file_gets_what_clean_fid_feeds_it(monkeypatch, tmp_path):
    from cleanfid.inception_torchscript import InceptionV3W

    path = tmp_path / "inception-2015-12-05.pt"
    torch.jit.script(Archive()).save(str(path))
    published(monkeypatch, path, "torchscript")
    images = noise(2, 8)
    resized = torch.from_numpy(clean_resizer(299)[0](images))
    expected = InceptionV3W(str(tmp_path), download=False)(resized).numpy()
    np.testing.assert_allclose(InceptionSpec(weights=path).build("cpu")(images), expected, rtol=1e-5, atol=1e-6)


@pytest.fixture
def small(tmp_path) -> Path:
    """A TorchScript file that gives 2048 numbers."""
    path = tmp_path / "anything.pt"
    torch.jit.script(Archive()).save(str(path))
    return path


def test_with_the_published_file_scores_are_called_fid_and_kid(monkeypatch, small, drawn, context):
    sha256 = published(monkeypatch, small, "torchscript")
    for spec in (FID(weights=small), KID(weights=small)):
        first, *_ = spec.evaluate(drawn([6]), drawn([6], seed=1), context)
        assert first.name == f"{spec.kind}[inception-2015-12-05@{sha256[:8]}]"
        assert first.extractor == f"inception-2015-12-05, sha256 {sha256}"
        assert first.resizer == "clean-fid bicubic to 299 px"
        assert first.warnings[0].startswith("compare with ")


def test_fd_and_kd_on_inception_are_fid_and_kid_and_are_not_called_incomparable(monkeypatch, small, drawn, context):
    published(monkeypatch, small, "torchscript")
    extractor = InceptionSpec(weights=small)
    pairs = [(FrechetDistance, FID), (KernelDistance, KID)]
    for on_any, on_inception in pairs:
        same, score = (
            spec.evaluate(drawn([6]), drawn([6], seed=1), context)[0]
            for spec in (on_any(extractor=extractor), on_inception(weights=small))
        )
        assert (same.value, same.floor, same.warnings) == (score.value, score.floor, score.warnings)
        assert same.name.startswith(("fd[inception", "kd[inception"))


def test_the_extractor_keeps_the_promises_of_its_interface(monkeypatch, small):
    published(monkeypatch, small, "torchscript")
    check_extractor(InceptionSpec(weights=small))


@pytest.mark.parametrize("spec", [InceptionSpec, FID, KID])
def test_the_file_is_fetched_at_preflight_and_only_once(spec, monkeypatch, small, server, tmp_path, drawn, context):
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    sha256 = published(monkeypatch, small, "torchscript", server.serve("/w.pt", content(small.read_bytes())))
    asked = spec(weights="download")
    assert asked.weights == "download"
    asked.preflight()
    assert (tmp_path / "cache" / "downloads" / sha256 / "w.pt").read_bytes() == small.read_bytes()
    asked.preflight()
    if spec is not InceptionSpec:
        assert asked.evaluate(drawn([6]), drawn([6]), context)[0].name == f"{asked.kind}[{inception.NAME}@{sha256[:8]}]"
    assert server.asked == ["/w.pt"]


def test_a_file_that_cannot_be_fetched_says_before_the_training_how_to_get_it(monkeypatch, small, server, tmp_path):
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    url = server.serve("/w.pt", status(404))
    sha256 = published(monkeypatch, small, "torchscript", url)
    by_hand = f"Download anything.pt ({url}, sha256 {sha256}) and give its path as `weights`."
    with pytest.raises(DownloadError) as caught:
        FID(weights="download").preflight()
    assert str(caught.value) == f"{url} can't be fetched: the server answers 404 Not Found. {by_hand}"
    other = small.read_bytes() + b"?"
    server.serve("/w.pt", content(other))
    with pytest.raises(DownloadError) as caught:
        FID(weights="download").preflight()
    found = hashlib.sha256(other).hexdigest()
    assert str(caught.value) == f"{url} can't be fetched: its sha256 is {found}, not {sha256}. {by_hand}"


def test_a_state_dict_of_another_network_is_refused_by_the_names_of_its_tensors(monkeypatch, tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({"fc.bias": torch.zeros(1008), "conv.weight": torch.zeros(1)}, path)
    published(monkeypatch, path, "state dict")
    with pytest.raises(CheckpointError) as caught:
        InceptionSpec(weights=path).build("cpu")
    assert str(caught.value) == (
        f"{path} does not hold the weights of the network of the FID: it lacks Conv2d_1a_3x3.conv.weight, "
        "Conv2d_1a_3x3.bn.weight, Conv2d_1a_3x3.bn.bias and 468 more; it has conv.weight too much."
    )
