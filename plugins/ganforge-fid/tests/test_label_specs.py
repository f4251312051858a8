"""The evaluators of the label: what both promise, what both refuse, and photographs."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.errors import DataError
from ganforge.testing import check_evaluator, check_spec
from ganforge_fid.label_specs import Downstream, LabelAgreement

DATA = Path(os.environ.get("GANFORGE_TEST_DATA", "unset"))
BOTH = pytest.mark.parametrize("spec", [LabelAgreement, Downstream])


@pytest.mark.parametrize(
    "spec",
    [LabelAgreement(group=[["none", 1], [2]], ordered=False), Downstream(positive=["severe", 1])],
)
def test_specs_survive_dump_and_validate(spec):
    check_spec(spec)


@BOTH
def test_the_defaults_keep_the_promises_of_an_evaluator(spec, tmp_path):
    check_evaluator(spec(), tmp_path, compares=False)


@BOTH
def test_a_generator_without_labels_is_not_measured(spec, colours, context, graded):
    context = replace(context, train=graded([9, 9], "training"), is_conditional=False)
    with pytest.raises(DataError) as caught:
        spec(extractor=colours).evaluate(graded([9, 9], "held-out"), graded([9, 9], "generated"), context)
    assert str(caught.value) == f"{spec.kind_name()} has nothing to measure: the generator takes no label."


@BOTH
def test_without_training_images_there_is_no_score(spec, colours, context, graded):
    real, fake = graded([9, 9], "held-out"), graded([9, 9], "generated")
    message = (
        f"{spec.kind_name()} trains a classifier on the images that the generator was trained on and tests it on "
        "images held out from them. A run has both if `split.held_out` is above 0; for a folder, name them with "
        "--train."
    )
    for train in (None, graded([0, 0], "training")):
        with pytest.raises(DataError) as caught:
            spec(extractor=colours).evaluate(real, fake, replace(context, train=train))
        assert str(caught.value) == message


@BOTH
def test_a_patient_on_both_sides_is_refused(spec, colours, context, graded):
    train, real, fake = (graded([9, 9], who) for who in ("training", "held-out", "generated"))
    leaking = replace(train, groups=["held-out 3", "held-out 2", *train.groups[2:]])
    with pytest.raises(DataError) as caught:
        spec(extractor=colours).evaluate(real, fake, replace(context, train=leaking))
    assert str(caught.value) == (
        f"{spec.kind_name()} would test a classifier on patients that it was trained on: 2 of the groups of the "
        "held-out images, such as 'held-out 2', are also among the training images."
    )


@BOTH
def test_other_classes_are_refused(spec, colours, context, graded):
    context = replace(context, train=graded([9, 9], "training"))
    with pytest.raises(DataError) as caught:
        spec(extractor=colours).evaluate(graded([9, 9], "held-out"), graded([6, 6, 6], "generated"), context)
    assert str(caught.value) == (
        f"{spec.kind_name()} needs images of the same classes: training images have grade 0, grade 1; held-out real "
        "images have grade 0, grade 1; generated images have grade 0, grade 1, grade 2."
    )


@BOTH
def test_a_side_with_one_class_is_refused(spec, colours, context, graded):
    full = {who: graded([9, 9], who) for who in ("training", "held-out real", "generated")}
    for what in full:
        sets = {**full, what: graded([0, 9], what)}
        with pytest.raises(DataError) as caught:
            spec(extractor=colours).evaluate(
                sets["held-out real"], sets["generated"], replace(context, train=sets["training"])
            )
        assert (
            str(caught.value) == f"{spec.kind_name()} needs {what} images of two classes at least; all are 'grade 1'."
        )


@BOTH
def test_features_are_computed_once_for_each_set(spec, colours, context, graded, images_seen):
    context = replace(context, train=graded([9, 9], "training"))
    real, fake = graded([8, 8], "held-out", seed=1), graded([7, 7], "generated", seed=2)
    spec(extractor=colours).evaluate(real, fake, context)
    assert images_seen() == 18 + 16 + 14
    for other in (LabelAgreement, Downstream):
        other(extractor=colours).evaluate(real, fake, context)
    assert images_seen() == 18 + 16 + 14


@pytest.mark.skipif(not (DATA / "flowers" / "tulips").is_dir(), reason="set GANFORGE_TEST_DATA to a folder of flowers")
def test_on_photographs_right_labels_reach_the_reference_and_shuffled_ones_do_not(context):
    kinds = ("daisy", "tulips")

    def flowers(start: int, stop: int) -> LabelledImages:
        files = [file for kind in kinds for file in sorted((DATA / "flowers" / kind).glob("*.jpg"))[start:stop]]
        pictures = [Image.open(file).convert("RGB").resize((64, 64), Image.Resampling.BOX) for file in files]
        pixels = np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])
        names = [file.name for file in files]
        card = DatasetCard("flowers", kinds, "", "", False, "")
        return LabelledImages(pixels, np.repeat(np.arange(2), stop - start), names, names, card)

    train, real, fake = flowers(0, 40), flowers(40, 70), flowers(70, 100)
    context = replace(context, train=train)
    kappa, *_ = LabelAgreement(ordered=False).evaluate(real, fake, context)
    assert min(kappa.value, kappa.floor) > 0.6
    taught = Downstream(ordered=False).evaluate(real, fake, context)[0]
    assert min(taught.value, taught.floor) > 0.6
    orders = [np.random.default_rng(seed).permutation(fake.labels) for seed in range(10)]
    found = [LabelAgreement(ordered=False).evaluate(real, replace(fake, labels=each), context)[0] for each in orders]
    assert abs(np.mean([score.value for score in found])) < 0.1
