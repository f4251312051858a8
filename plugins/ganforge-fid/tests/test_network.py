"""What all networks have in common: resizing, scaling, float32, the device."""

import numpy as np
import pytest
import torch

from ganforge_fid.network import IMAGENET, NetworkExtractor, Scaling
from ganforge_fid.resizing import clean_resizer


def noise(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, size=(n, 3, side, side), dtype=np.uint8)


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


def test_threads_change_no_byte_of_what_is_resized(monkeypatch):
    images, found = noise(7, 8), []
    for threads in (1, 3):
        monkeypatch.setattr("ganforge.hardware.suitable_threads", lambda threads=threads: threads)
        found.append(clean_resizer(16)[0](images))
    np.testing.assert_array_equal(*found)
    assert found[0].strides == found[1].strides


def test_pixels_are_scaled_by_channel_as_torchvision_does_it():
    from torchvision.transforms.functional import normalize

    images = noise(2, 16)
    extractor = NetworkExtractor("identity", "0" * 64, 3 * 16 * 16, 16, IMAGENET, torch.nn.Identity(), "cpu")
    resized = torch.from_numpy(clean_resizer(16)[0](images)) / 255
    expected = normalize(resized, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).numpy()
    np.testing.assert_allclose(extractor.prepare(images), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(extractor(images), extractor.prepare(images).reshape(2, -1))


def test_a_network_is_in_evaluation_mode_and_gives_float32():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 8), torch.nn.BatchNorm2d(4), torch.nn.Dropout())
    extractor = NetworkExtractor("small", "0" * 64, 4, 8, Scaling(128, 128), network, "cpu")
    features = extractor(noise(5, 12))
    assert features.dtype == np.float32 and features.shape == (5, 4)
    assert not any(module.training for module in network.modules())
    np.testing.assert_array_equal(extractor(noise(5, 12)), features)
    assert {parameter.device.type for parameter in network.parameters()} == {"cpu"}


def test_a_network_computes_where_it_is_told():
    network = torch.nn.Linear(3, 2)
    NetworkExtractor("small", "0" * 64, 2, 8, IMAGENET, network, "meta")
    assert network.weight.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_features_of_the_cpu():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 7, stride=4), torch.nn.ReLU(), torch.nn.Conv2d(64, 8, 13))
    images = noise(4, 64)
    on_gpu = NetworkExtractor("small", "0" * 64, 8, 56, IMAGENET, network, "cuda")(images)
    on_cpu = NetworkExtractor("small", "0" * 64, 8, 56, IMAGENET, network, "cpu")(images)
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=1e-3, atol=1e-5)
