"""Whether images show the label that was asked for."""

from dataclasses import replace

import numpy as np
import pytest

from ganforge.evaluation.score import EvaluationContext
from ganforge_fid.label_specs import LabelAgreement

COUNTS = [60, 40, 20]
IGNORED = (
    "no sign that the label changes the images as asked: kappa is not two standard deviations above 0, that of a "
    "generator that ignores its label."
)


@pytest.fixture
def trained(context, graded) -> EvaluationContext:
    return replace(context, train=graded([120, 80, 40], "training"))


def relabelled(images, labels):
    return replace(images, labels=np.asarray(labels))


def test_real_images_with_their_labels_are_at_the_reference(colours, trained, graded):
    real = graded(COUNTS, "held-out", seed=1)
    for spec in (LabelAgreement(extractor=colours), LabelAgreement(extractor=colours, ordered=False)):
        scores = spec.evaluate(real, real, trained)
        assert len(scores) == 3
        assert all(score.value == score.floor > 0.8 for score in scores)
        assert IGNORED not in scores[0].warnings


def test_a_generator_that_ignores_its_label_is_exposed(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded([120, 80, 40], "generated", seed=2)
    for seed in range(4):
        ignoring = relabelled(fake, np.random.default_rng(seed).permutation(fake.labels))
        kappa, balanced, _ = LabelAgreement(extractor=colours).evaluate(real, ignoring, trained)
        assert abs(kappa.value) < 0.2 < 0.8 < kappa.floor
        assert abs(balanced.value - 1 / 3) < 0.1
        assert IGNORED in kappa.warnings


def test_a_generator_that_makes_one_class_only_is_exposed(colours, trained, graded):
    real = graded(COUNTS, "held-out", seed=1)
    collapsed = relabelled(graded([120, 0, 0], "generated", seed=2), np.arange(120) % 3)
    kappa, *_ = LabelAgreement(extractor=colours).evaluate(real, collapsed, trained)
    assert abs(kappa.value) < 0.05 and IGNORED in kappa.warnings


def test_the_more_labels_are_wrong_the_lower_is_the_score(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    generator = np.random.default_rng(0)
    shuffled, chance = generator.permutation(fake.labels), generator.random(len(fake))
    values = [
        LabelAgreement(extractor=colours)
        .evaluate(real, relabelled(fake, np.where(chance < share, shuffled, fake.labels)), trained)[0]
        .value
        for share in (0, 0.3, 0.6, 1)
    ]
    assert values == sorted(values, reverse=True)


def test_a_score_says_all_that_changes_its_value(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded([40, 30, 20], "generated", seed=2)
    kappa, balanced, accuracy = LabelAgreement(extractor=colours).evaluate(real, fake, trained)
    probe = f"[linear probe on colours@{colours.build('cpu').sha256[:8]}]"
    names = [f"label quadratic kappa{probe}", f"label balanced accuracy{probe}", f"label accuracy{probe}"]
    assert [score.name for score in (kappa, balanced, accuracy)] == names
    assert (kappa.n_real, kappa.n_fake, kappa.dataset, kappa.resizer) == (120, 90, "discs", "none")
    assert kappa.extractor == f"colours, sha256 {colours.build('cpu').sha256}"
    assert kappa.spread_of == "standard deviation over 200 resamplings of the generated images"
    assert 0 < kappa.floor_spread < 0.1
    assert 0 < kappa.spread < 0.1 and not kappa.lower_is_better
    assert kappa.warnings == (
        "the value on real images is that of the same classifier, trained on 240 real images, on 120 held-out ones; "
        "images that copy training images, or exaggerate a class, exceed it.",
        "real and generated images differ in the share of class 'grade 0' (50% and 44%): compare balanced accuracies, "
        "since kappa and accuracy depend on it.",
    )
    assert balanced.warnings == accuracy.warnings == ()


def test_the_matrix_has_a_row_for_each_class_that_was_asked_for(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded([40, 30, 0], "generated", seed=2, overlap=0)
    kappa, balanced, accuracy = LabelAgreement(extractor=colours).evaluate(real, fake, trained)
    assert kappa.matrix == ((40, 0, 0), (0, 30, 0), (0, 0, 0))
    assert kappa.classes == ("grade 0", "grade 1", "grade 2")
    assert balanced.matrix is accuracy.matrix is None
    exchanged = relabelled(fake, 1 - fake.labels)
    assert LabelAgreement(extractor=colours).evaluate(real, exchanged, trained)[0].matrix[0] == (0, 30, 0)


def test_merged_classes_are_one_for_the_classifier_and_in_the_name(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2, overlap=0)
    within = relabelled(fake, np.where(fake.labels == 2, 2, 1 - fake.labels))
    scores = LabelAgreement(extractor=colours, group=[["grade 0", 1], [2]]).evaluate(real, within, trained)
    assert scores[0].name == f"label kappa[linear probe on colours@{colours.build('cpu').sha256[:8]}, classes 0+1 | 2]"
    assert scores[0].classes == ("grade 0 + grade 1", "grade 2")
    assert scores[0].value > 0.9 > 0.5 > LabelAgreement(extractor=colours).evaluate(real, within, trained)[0].value


def test_classes_that_can_not_be_told_apart_on_real_images_are_said_to_decide_nothing(colours, context, graded):
    train, real = graded([120, 80, 40], "training", overlap=2000), graded(COUNTS, "held-out", seed=1, overlap=2000)
    scores = LabelAgreement(extractor=colours).evaluate(real, real, replace(context, train=train))
    assert scores[0].floor < 0.2
    warning = (
        "the classifier itself hardly recognises the label of held-out real images (quadratic kappa "
        f"{scores[0].floor:.2f}, below 0.2): the classes can't be identified on these images at 4 px, so this score "
        "says nothing about the generator. Merge classes (`group`), or use a larger resolution or another `extractor`."
    )
    assert all(score.warnings[0] == warning for score in scores)
    assert IGNORED not in scores[0].warnings


def test_the_order_of_the_images_changes_nothing(colours, trained, graded, tmp_path):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    generator = np.random.default_rng(0)
    train, *shuffled = (each.subset(generator.permutation(len(each))) for each in (trained.train, real, fake))
    other = EvaluationContext(tmp_path / "other", trained.seed, train=train)
    spec = LabelAgreement(extractor=colours)
    assert spec.evaluate(*shuffled, other) == spec.evaluate(real, fake, trained)


def test_the_classifier_does_not_depend_on_the_seed(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    one, two = (LabelAgreement(extractor=colours).evaluate(real, fake, replace(trained, seed=s)) for s in (1, 2))
    assert [(s.name, s.value, s.floor, s.matrix) for s in one] == [(s.name, s.value, s.floor, s.matrix) for s in two]
