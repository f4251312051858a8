"""Scores: n, floor, warnings, independence of the order, one pass over the images."""

from dataclasses import replace

import numpy as np
import pytest

from ganforge.errors import DataError
from ganforge.evaluation.score import EvaluationContext
from ganforge_fid.scoring import score
from ganforge_fid.specs import FD, KD, FrechetDistance, KernelDistance

#: Of scores on `colours`.
INCOMPARABLE = "not comparable with published FID or KID: the features are those of colours, not of Inception."


def test_a_score_says_all_that_changes_its_value(colours, context, drawn):
    (fd,) = score(FD, colours, drawn([30, 10]), drawn([60, 20], seed=1), context)
    sha256 = colours.build("cpu").sha256
    assert fd.name == f"fd[colours@{sha256[:8]}]"
    assert (fd.n_real, fd.n_fake, fd.dataset, fd.resizer) == (20, 20, "discs", "none")
    assert fd.extractor == f"colours, sha256 {sha256}"
    assert fd.spread_of == "standard deviation over 10 draws of 20 of 40 real and 20 of 80 generated"
    assert fd.warnings == (
        INCOMPARABLE,
        "n = 20 is below 500: the bias of a Fréchet distance is large at this n; "
        "compare it with the floor and with values at the same n only.",
    )


def test_a_kernel_score_of_all_images_is_followed_by_those_of_large_classes(colours, context, drawn):
    scores = score(KD, colours, drawn([40, 20, 19]), drawn([40, 20, 20], seed=1), context)
    assert [s.of_class for s in scores] == [None, "grade 0", "grade 1"]
    assert [s.n_fake for s in scores[1:]] == [20, 10]
    assert scores[0].warnings == (
        INCOMPARABLE,
        "no scores for 'grade 2' (19 real, 20 generated): at least 20 of each are needed.",
    )


def test_images_of_the_same_kind_score_below_others(colours, context, drawn):
    real = drawn([40, 40])
    for measure in (FD, KD):
        itself, others = (score(measure, colours, real, fake, context)[0] for fake in (real, drawn([40, 40], 1, 100)))
        assert itself.value <= itself.floor < others.value


def test_the_order_of_the_images_changes_nothing(colours, context, drawn, tmp_path):
    real, fake = drawn([30, 25]), drawn([40, 40], seed=1)
    generator = np.random.default_rng(0)
    shuffled = [images.subset(generator.permutation(len(images))) for images in (real, fake)]
    for measure in (FD, KD):
        other = EvaluationContext(cache=tmp_path / "other", seed=context.seed)
        assert score(measure, colours, *shuffled, other) == score(measure, colours, real, fake, context)


def test_sets_with_other_shares_of_the_classes_are_reported(colours, context, drawn):
    (fd,) = score(FD, colours, drawn([36, 4]), drawn([20, 20]), context)
    assert fd.warnings[-1] == (
        "real and generated images differ in the share of class 'grade 0' (90% and 50%); "
        "scores over all images contain this difference."
    )


def test_a_generator_without_a_label_is_not_said_to_have_the_shares_of_the_real_images(colours, context, drawn):
    unasked = replace(context, is_conditional=False)
    assert score(FD, colours, drawn([36, 4]), drawn([20, 20]), unasked)[0].warnings[-1] == (
        "the generator was asked for no classes: it draws them in proportions that it has learnt from its sampler, and "
        "scores over all images contain the difference to those of the real ones."
    )
    (alone,) = score(FD, colours, drawn([40]), drawn([40]), unasked)
    assert not any("asked" in warning for warning in alone.warnings)


def test_one_patient_gives_no_floor(colours, context, drawn):
    (fd,) = score(FD, colours, drawn([2]), drawn([2]), context)
    assert fd.floor is None
    assert (
        "no real-vs-real floor: the real images can't be divided into halves without a patient in both." in fd.warnings
    )


def test_too_few_images_and_other_classes_are_data_errors(colours, context, drawn):
    message = "^fd needs at least two real and two generated images; there are 8 real and 1 generated ones.$"
    with pytest.raises(DataError, match=message):
        score(FD, colours, drawn([8]), drawn([1]), context)
    message = (
        "^fd compares sets with the same classes; the real images have grade 0, the generated ones grade 0, grade 1.$"
    )
    with pytest.raises(DataError, match=message):
        score(FD, colours, drawn([8]), drawn([4, 4]), context)


def test_fd_and_kd_of_one_evaluation_look_at_each_image_once(colours, images_seen, context, drawn):
    real, fake = drawn([20]), drawn([12], seed=1)
    for spec in (FrechetDistance(extractor=colours), KernelDistance(extractor=colours)):
        assert spec.evaluate(real, fake, context)
    assert images_seen() == 20 + 12


def test_features_of_real_images_are_kept_for_the_next_evaluation(colours, images_seen, context, drawn):
    real, fake = drawn([20]), drawn([12], seed=1)
    first = score(FD, colours, real, fake, context)
    reordered = real.subset(np.arange(20)[::-1])
    for images in (real, reordered):
        assert score(FD, colours, images, fake, EvaluationContext(context.cache, context.seed)) == first
    assert images_seen() == 32 + 12 + 12
    score(FD, colours, drawn([20], seed=2), fake, EvaluationContext(context.cache, context.seed))
    assert images_seen() == 32 + 12 + 12 + 32


def test_the_user_sees_progress_on_both_sides(colours, context, drawn):
    seen = []

    def progress(items, total, what):
        seen.append((total, what))
        return items

    score(FD, colours, drawn([40]), drawn([12]), EvaluationContext(context.cache, context.seed, progress=progress))
    assert seen == [(2, "colours: real images"), (1, "colours: generated images")]
