"""The evaluator `prdc`: equal n, what real images reach, classes, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from expected_coverage import expected_coverage
from pydantic import ValidationError

from ganforge.errors import DataError
from ganforge_fid.comparison import compare_all
from ganforge_fid.manifolds import precision_recall_density_coverage
from ganforge_fid.prdc import PRDC

NAMES = ["precision", "recall", "density", "coverage"]


def test_four_scores_say_all_that_changes_their_value(colours, context, drawn):
    scores = PRDC(extractor=colours).evaluate(drawn([40]), drawn([60], seed=1), replace(context, is_conditional=False))
    sha256 = colours.build("cpu").sha256
    assert [score.name for score in scores] == [f"{name}[colours@{sha256[:8]}]" for name in NAMES]
    for score in scores:
        assert (score.n_real, score.n_fake, score.dataset, score.resizer) == (20, 20, "discs", "none")
        assert not score.lower_is_better
        assert score.extractor == f"colours, sha256 {sha256}"
        assert score.spread_of == "standard deviation over 10 draws of 20 of 40 real and 20 of 60 generated"
        assert score.warnings == (
            "depends on n, on the features and on the neighbours, here 5: compare where all three are the same, next "
            "to the real-vs-real value. Published values have others.",
        )


def test_the_values_are_those_of_the_features_sorted_by_content(colours, context, drawn):
    real, fake = drawn([40]), drawn([30], seed=1)
    scores = PRDC(extractor=colours, neighbours=3).evaluate(real, fake, replace(context, is_conditional=False))
    of_real, of_fake = (context.features(colours, images, "") for images in (real, fake))
    expected = compare_all(
        lambda a, b: precision_recall_density_coverage(a.values, b.values, 3),
        of_real.values.astype(float),
        of_real.groups,
        of_fake.values.astype(float),
        context.seed,
    )
    assert [(score.value, score.spread, score.floor) for score in scores] == [
        (expected[name].value, expected[name].spread, expected[name].floor) for name in NAMES
    ]
    assert scores[0].name.endswith(", neighbours 3]")


def test_images_of_the_same_kind_reach_what_real_images_reach_and_others_nothing(colours, context, drawn):
    real = drawn([100])
    context = replace(context, is_conditional=False)
    same, others = (
        PRDC(extractor=colours).evaluate(real, fake, context) for fake in (drawn([100], 1), drawn([100], 1, 100))
    )
    for name, near, far in zip(NAMES, same, others, strict=True):
        assert abs(near.value - near.floor) < 0.2, name
        assert far.value == 0
        assert far.floor == near.floor
    assert same[3].floor == pytest.approx(expected_coverage(50, 5), abs=0.03)


def test_classes_of_eight_times_as_many_images_as_neighbours_get_scores_of_their_own(colours, context, drawn):
    scores = PRDC(extractor=colours).evaluate(drawn([60, 40, 39]), drawn([60, 40, 60], seed=1), context)
    assert [score.of_class for score in scores] == [None] * 4 + ["grade 0"] * 4 + ["grade 1"] * 4
    assert [score.n_fake for score in scores[4::4]] == [30, 20]
    hidden = "no scores for 'grade 2' (39 real, 60 generated): at least 40 of each are needed."
    assert all(hidden in score.warnings for score in scores[:4])
    assert not any(hidden in score.warnings for score in scores[4:])


def test_the_order_of_the_images_changes_nothing(colours, context, drawn, tmp_path):
    sets = drawn([30, 45]), drawn([50, 40], seed=1)
    generator = np.random.default_rng(0)
    shuffled = [images.subset(generator.permutation(len(images))) for images in sets]
    other = replace(context, cache=tmp_path / "other")
    assert PRDC(extractor=colours).evaluate(*shuffled, other) == PRDC(extractor=colours).evaluate(*sets, context)


def test_sets_without_enough_neighbours_are_data_errors(colours, context, drawn):
    # five patients with two images each: a half has two of them
    for num_real, num_fake, left in ((10, 40, 4), (40, 5, 5)):
        message = (
            "^prdc with neighbours: 5 needs more than 5 images on either side; "
            f"generated images and half of the real ones, by patient, leave {left}.$"
        )
        with pytest.raises(DataError, match=message):
            PRDC(extractor=colours).evaluate(drawn([num_real]), drawn([num_fake]), context)
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        PRDC(neighbours=0)
