"""EfficientNet-Lite: the input that it was trained with, and distances between photographs."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from ganforge.data.images import DatasetCard, LabelledImages
from ganforge_fid.copies import Memorisation
from ganforge_fid.efficientnet import EfficientNetLite0Spec, EfficientNetLite2Spec
from ganforge_fid.network import NetworkExtractor
from ganforge_fid.prdc import PRDC
from ganforge_fid.specs import FrechetDistance, KernelDistance

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


def labelled(images: np.ndarray, patients: str = "") -> LabelledImages:
    card = DatasetCard("photographs", ("any",), "research use", "see folder", False, "0" * 64)
    names = [f"{patients}{i}" for i in range(len(images))]
    return LabelledImages(images, np.zeros(len(images), np.int64), names, names, card)


@pytest.fixture(scope="module", params=[EfficientNetLite0Spec, EfficientNetLite2Spec])
def efficientnet(request) -> NetworkExtractor:
    return request.param().build("cpu")


@needs_photographs
def test_the_input_scaling_is_one_with_which_daisies_are_daisies(efficientnet):
    prepared = torch.from_numpy(efficientnet.prepare(photographs(DATA / "flowers" / "daisy", 24, 160)))
    with torch.inference_mode():
        right, raw = (
            (efficientnet.network(x.to(efficientnet.device)).argmax(dim=1) == DAISY).sum().item()
            for x in (prepared, 128 * prepared + 127)
        )
    assert right >= 18
    assert raw <= 2


@needs_photographs
def test_fundus_photographs_are_near_each_other_and_far_from_flowers(context):
    retinas = photographs(DATA / "fundus" / "0", 120, 64)
    real, fundus, flowers = map(labelled, (retinas[:80], retinas[80:], photographs(DATA / "flowers" / "daisy", 40, 64)))
    for spec in (FrechetDistance(), KernelDistance()):
        near, far = (spec.evaluate(real, fake, context)[0] for fake in (fundus, flowers))
        assert near.n_real == near.n_fake == 40
        assert abs(near.value - near.floor) < 0.1 * (far.value - far.floor)


@needs_photographs
def test_sets_rank_by_how_far_they_are_from_photographs_of_the_same_kind(context):
    retinas = photographs(DATA / "fundus" / "0", 200, 64)
    real, other = retinas[:120], retinas[120:]
    shifted = np.roll(other, 8, axis=3)
    blurred = np.stack([_blurred(image) for image in other])
    flowers = photographs(DATA / "flowers" / "daisy", 80, 64)
    for spec in (FrechetDistance(), KernelDistance()):
        ranked = [
            spec.evaluate(labelled(real), labelled(fake), context)[0].value
            for fake in (real, other, shifted, blurred, flowers)
        ]
        assert ranked == sorted(ranked), spec.kind


def _blurred(image: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(2))).transpose(2, 0, 1)


@needs_photographs
def test_fundus_photographs_reach_what_real_ones_reach_and_flowers_nothing(context):
    retinas = photographs(DATA / "fundus" / "0", 120, 64)
    real, fundus, flowers = map(labelled, (retinas[:80], retinas[80:], photographs(DATA / "flowers" / "daisy", 40, 64)))
    near, far = (PRDC().evaluate(real, fake, replace(context, is_conditional=False)) for fake in (fundus, flowers))
    for reached, missed in zip(near, far, strict=True):
        assert reached.value > 0.6 * reached.floor > 0.3
        assert missed.value < 0.2


@needs_photographs
def test_mirrored_training_images_are_copies_and_eyes_of_other_patients_are_not(context):
    retinas = photographs(DATA / "fundus" / "0", 200, 64)
    train, real, new = map(labelled, (retinas[:80], retinas[80:140], retinas[140:]), ("trained ", "held out ", "new "))
    copied, honest = (
        Memorisation().evaluate(real, fake, replace(context, train=train))
        for fake in (labelled(train.images[:60, ..., ::-1]), new)
    )
    assert [round(score.value, 4) for score in copied] == [0, 1, 0, 1]
    for ratio, share in (honest[:2], honest[2:]):
        assert 0.8 < ratio.value < 1.25
        assert share.value < 0.2
