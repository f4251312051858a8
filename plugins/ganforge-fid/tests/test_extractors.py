"""The networks: input scaling, equality with torch-fidelity at equal weights, real photographs."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganforge.data.images import DatasetCard, LabelledImages
from ganforge_fid import inception
from ganforge_fid.extractors import EfficientNetLite0, clean_resizer
from ganforge_fid.inception import Inception, PublishedFile, network_of_the_fid
from ganforge_fid.specs import FID, KID, FrechetDistance, KernelDistance

DATA = Path(os.environ.get("GANFORGE_TEST_DATA", "unset"))
needs_photographs = pytest.mark.skipif(
    not (DATA / "flowers" / "daisy").is_dir(),
    reason="set GANFORGE_TEST_DATA to a folder with flowers/daisy/*.jpg and fundus/*/*.jpg",
)
#: ImageNet's number of the class daisy.
DAISY = 985


def photographs(folder: Path, count: int, side: int) -> np.ndarray:
    files = sorted(folder.glob("*.jpg"))[:count]
    assert len(files) == count
    pictures = [Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BOX) for file in files]
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])


def noise(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(n, 3, side, side), dtype=np.uint8)


@pytest.fixture(scope="module")
def efficientnet() -> EfficientNetLite0:
    return EfficientNetLite0()


def test_the_resizer_is_clean_fids_and_keeps_the_range():
    from cleanfid.resize import build_resizer

    images = noise(2, 8)
    for side in (16, 299):
        resize, name = clean_resizer(side)
        resized = resize(images)
        assert resized.shape == (2, 3, side, side)
        assert 0 <= resized.min() < 5
        assert 250 < resized.max() <= 255
        assert name == f"clean-fid bicubic to {side} px"
    np.testing.assert_array_equal(resized[1].transpose(1, 2, 0), build_resizer("clean")(images[1].transpose(1, 2, 0)))


def test_each_row_of_features_depends_on_its_image_alone(efficientnet):
    images = noise(3, 8)
    together, alone = efficientnet(images), efficientnet(images[1:2])
    assert together.shape == (3, efficientnet.dim)
    np.testing.assert_allclose(together[1:2], alone, rtol=1e-4, atol=1e-5)


@needs_photographs
def test_the_input_scaling_is_one_with_which_daisies_are_daisies(efficientnet):
    prepared = torch.from_numpy(efficientnet.prepare(photographs(DATA / "flowers" / "daisy", 24, 160)))
    with torch.inference_mode():
        right, raw = (
            (efficientnet.network(x).argmax(dim=1) == DAISY).sum().item() for x in (prepared, 128 * prepared + 127)
        )
    assert right >= 18
    assert raw <= 2


@needs_photographs
def test_fundus_photographs_are_near_each_other_and_far_from_flowers(context):
    def labelled(images: np.ndarray) -> LabelledImages:
        card = DatasetCard("photographs", ("any",), "research use", "see folder", False, "0" * 64)
        names = [str(i) for i in range(len(images))]
        return LabelledImages(images, np.zeros(len(images), np.int64), names, names, card)

    retinas = photographs(DATA / "fundus" / "0", 120, 64)
    real, fundus, flowers = map(labelled, (retinas[:80], retinas[80:], photographs(DATA / "flowers" / "daisy", 40, 64)))
    for spec in (FrechetDistance(), KernelDistance()):
        near, far = (spec.evaluate(real, fake, context)[0] for fake in (fundus, flowers))
        assert near.n_real == near.n_fake == 40
        assert abs(near.value - near.floor) < 0.1 * (far.value - far.floor)


def published(monkeypatch, path: Path, form: str) -> None:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "PUBLISHED", {sha256: PublishedFile(path.name, "https://example.org", form)})


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
    features = Inception(path)(images)
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
    np.testing.assert_allclose(Inception(path)(images), expected, rtol=1e-5, atol=1e-6)


def test_with_the_published_file_scores_are_called_fid_and_kid(monkeypatch, tmp_path, drawn, context):
    path = tmp_path / "anything.pt"
    torch.jit.script(Archive()).save(str(path))
    published(monkeypatch, path, "torchscript")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    for spec in (FID(weights=path), KID(weights=path)):
        first, *_ = spec.evaluate(drawn([6]), drawn([6], seed=1), context)
        assert first.name == f"{spec.kind}[inception-2015-12-05@{sha256[:8]}]"
        assert first.extractor == f"inception-2015-12-05, sha256 {sha256}"
        assert first.resizer == "clean-fid bicubic to 299 px"
        assert first.warnings[0].startswith("compare with ")
