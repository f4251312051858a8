"""What generated images teach a classifier that is tested on other patients."""

from dataclasses import replace

import numpy as np
import pytest

from ganforge.errors import DataError
from ganforge.evaluation.score import EvaluationContext
from ganforge_fid import downstream, sides
from ganforge_fid.downstream import BOTH, SYNTHETIC
from ganforge_fid.label_specs import Downstream, LabelAgreement

COUNTS = [60, 40, 20]
NO_GAIN = (
    "no gain over training on the real images alone: the difference is below two standard deviations of it, over the "
    "same resamplings."
)


@pytest.fixture
def trained(context, graded) -> EvaluationContext:
    return replace(context, train=graded([120, 80, 40], "training"))


def relabelled(images, labels):
    return replace(images, labels=np.asarray(labels))


def test_scores_name_what_was_trained_on_tested_on_and_measured(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    scores = Downstream(extractor=colours).evaluate(real, fake, trained)
    probe = f"linear probe on colours@{colours.build('cpu').sha256[:8]}"
    measures = ["quadratic kappa", "AUROC of 1+2", "balanced accuracy", "accuracy"]
    trainings = ["train on synthetic, test on real", "train on real + synthetic, test on real"]
    assert [s.name for s in scores] == [f"{m}[{training}; {probe}]" for training in trainings for m in measures]
    assert all((s.n_real, s.n_fake, s.lower_is_better, s.matrix) == (120, 120, False, None) for s in scores)
    assert all(s.spread_of == "standard deviation over 200 resamplings of the held-out patients" for s in scores)
    assert scores[0].warnings == (
        "the value on real images is that of the same classifier trained on the 240 real training images alone; those "
        "of the scores were trained on 120 generated images, or on both.",
    )


def test_copies_of_the_training_images_teach_exactly_what_these_teach(colours, trained, graded):
    real = graded(COUNTS, "held-out", seed=1)
    scores = Downstream(extractor=colours).evaluate(real, trained.train, trained)
    assert all((s.value, s.spread) == (s.floor, s.floor_spread) for s in scores if SYNTHETIC in s.name)
    assert all(NO_GAIN in s.warnings for s in scores if BOTH in s.name)


def test_images_with_meaningless_labels_teach_nothing(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded([200, 200, 200], "generated", seed=2)
    found = []
    for seed in range(12):
        meaningless = relabelled(fake, np.random.default_rng(seed).permutation(fake.labels))
        scores = Downstream(extractor=colours).evaluate(real, meaningless, trained)
        assert scores[0].value < scores[0].floor - 0.2
        assert all(NO_GAIN in s.warnings for s in scores if BOTH in s.name)
        found.append([s.value for s in scores[:2]])
    # By chance a single one may order the classes rightly, or the other way round.
    kappa, area = np.mean(found, axis=0)
    assert abs(kappa) < 0.25 and abs(area - 0.5) < 0.25


def test_more_images_of_a_rare_class_are_seen_to_help(colours, context, graded):
    few = relabelled(graded([2, 2, 2], "training", overlap=60), [0, 1, 2, 0, 1, 2])
    real, fake = graded([100, 100, 100], "held-out", seed=1), graded([200, 200, 200], "generated", seed=2)
    scores = Downstream(extractor=colours).evaluate(real, fake, replace(context, train=few))
    both = [s for s in scores if BOTH in s.name]
    assert all(s.value > s.floor and NO_GAIN not in s.warnings for s in both)


def test_the_area_is_that_of_the_positive_classes_or_of_each_against_the_rest(colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    cases = [
        ({"positive": [2]}, "AUROC of 2"),
        ({"positive": [2, "grade 0"], "ordered": False}, "AUROC of 0+2"),
        ({"ordered": False}, "AUROC one against rest"),
    ]
    for fields, name in cases:
        kappa, area, *_ = Downstream(extractor=colours, **fields).evaluate(real, fake, trained)
        assert area.name.startswith(f"{name}[") and 0.5 < area.value <= 1
        assert kappa.name.startswith("kappa[" if "ordered" in fields else "quadratic kappa[")


def test_positive_must_name_some_of_the_classes_and_not_all(colours, trained, graded):
    real = graded(COUNTS, "held-out", seed=1)
    cases = [
        ([0, 1, "grade 2"], "`positive` names all classes; the area under the curve needs others to tell them from."),
        (
            [3],
            "`positive` names 3, which the images don't have. Classes: 0 = 'grade 0', 1 = 'grade 1', 2 = 'grade 2'.",
        ),
    ]
    for positive, message in cases:
        with pytest.raises(DataError) as caught:
            Downstream(extractor=colours, positive=positive).evaluate(real, real, trained)
        assert str(caught.value) == message


def test_classes_that_are_absent_from_a_side_cost_a_measure_and_not_the_others(colours, trained, graded):
    real, fake = graded([0, 30, 30], "held-out", seed=1), graded([50, 0, 50], "generated", seed=2)
    scores = Downstream(extractor=colours).evaluate(real, fake, trained)
    names = [s.name.partition("[")[0] for s in scores]
    assert names == 2 * ["quadratic kappa", "balanced accuracy", "accuracy"]
    message = "no AUROC of 1+2: the held-out images have none of these classes, or no others."
    assert message in scores[0].warnings
    assert all(np.isfinite([s.value, s.floor]).all() for s in scores)


def test_the_order_of_the_images_changes_nothing(colours, trained, graded, tmp_path):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    generator = np.random.default_rng(0)
    train, *shuffled = (each.subset(generator.permutation(len(each))) for each in (trained.train, real, fake))
    other = EvaluationContext(tmp_path / "other", trained.seed, train=train)
    spec = Downstream(extractor=colours)
    assert spec.evaluate(*shuffled, other) == spec.evaluate(real, fake, trained)


def test_the_classifier_of_real_images_is_fitted_once_for_all_seeds_and_evaluators(
    colours, trained, graded, monkeypatch
):
    train = trained.train
    fitted, resampled = [], []
    for module in (sides, downstream):
        for name, calls in (("linear_probe", fitted), ("resampled", resampled)):
            real_one = getattr(module, name)

            def counted(*arguments, real_one=real_one, calls=calls):
                calls.append(len(arguments[1]))
                return real_one(*arguments)

            monkeypatch.setattr(module, name, counted)
    real = graded(COUNTS, "held-out", seed=1)
    evaluators = [LabelAgreement(extractor=colours), Downstream(extractor=colours)]
    fakes = [graded([50, 40, 20], "generated", seed=seed) for seed in (2, 3)]
    found = []
    for number, fake in enumerate(fakes):
        context = replace(trained, seed=number)
        found.append([evaluator.evaluate(real, fake, context) for evaluator in evaluators])
        context.store.forget_generated()
    assert sorted(fitted) == [110, 110, 240, 350, 350]
    assert len(resampled) == 2 * (4 + 2 * 4), "of four measures on real images, and of those on both trainings"

    for number, fake in enumerate(fakes):
        alone = [EvaluationContext(trained.cache, number, train=train) for _ in evaluators]
        assert [each.evaluate(real, fake, by) for each, by in zip(evaluators, alone, strict=True)] == found[number]


@pytest.mark.parametrize("what", ["labels", "patients"])
def test_real_images_with_other_labels_or_patients_are_others(what, colours, trained, graded):
    real, fake = graded(COUNTS, "held-out", seed=1), graded(COUNTS, "generated", seed=2)
    order = np.random.default_rng(0).permutation(len(real))
    other = relabelled(real, real.labels[order]) if what == "labels" else replace(real, groups=real.names)
    evaluator = Downstream(extractor=colours)
    first, second = (evaluator.evaluate(images, fake, trained) for images in (real, other))
    alone = evaluator.evaluate(other, fake, EvaluationContext(trained.cache, trained.seed, train=trained.train))
    assert first != second == alone
