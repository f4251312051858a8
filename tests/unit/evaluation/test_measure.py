"""Scores over several sets of generated images."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from ganforge.data.images import LabelledImages
from ganforge.evaluation.features import Extractor
from ganforge.evaluation.measure import Reference, measure, over_seeds
from ganforge.evaluation.score import EvaluationContext, Score
from ganforge.interfaces import EvaluatorSpec, ExtractorSpec
from ganforge.listener import Listener
from ganforge.testing.evaluation import example_images

REAL = example_images()
FAKES = [example_images(seed=seed) for seed in (1, 2)]


class Brightness(EvaluatorSpec):
    """Mean grey level of the generated images."""

    kind: Literal["brightness"] = "brightness"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        return [Score("brightness", float(fake.images.mean()), len(real), len(fake), warnings=("grey",))]


class FailsAtTheSecondSet(EvaluatorSpec):
    """Measures the first set of fakes only."""

    kind: Literal["fails"] = "fails"

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        if fake is FAKES[1]:
            raise ValueError("no second set")
        return [Score("fails", 0.0, len(real), len(fake))]


class Rubbish(EvaluatorSpec):
    """Gives what is no score, or does what no evaluator should."""

    kind: Literal["rubbish"] = "rubbish"
    fault: str

    def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
        raised = {"exit": SystemExit(3), "close": GeneratorExit(), "stop": KeyboardInterrupt()}
        if self.fault in raised:
            raise raised[self.fault]
        score = Score("rubbish", {"nan": float("nan"), "huge": 1e308}.get(self.fault, 1.0), len(real), len(fake))
        if self.fault == "matrices":
            size = 1 + (fake is FAKES[1])
            return [replace(score, matrix=((1,) * size,) * size, classes=("a", "b")[:size])]
        return [score]


built: list[str] = []


class Colour(ExtractorSpec):
    """One feature: the mean grey level."""

    kind: Literal["colour"] = "colour"

    def build(self, device: str) -> Extractor:
        built.append("colour")
        return MeanColour()


class MeanColour:
    name, sha256, dim, resizer = "colour", "0" * 64, 1, "none"

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images.mean(axis=(1, 2, 3), dtype=np.float64).astype(np.float32)[:, None]


def test_scores_are_means_over_the_generator_seeds_and_say_what_they_were_measured_on() -> None:
    reference = Reference(REAL, "all", caveats=("drawn",))
    found = measure([Brightness()], reference, FAKES, seed=0, is_conditional=True, listener=Listener())
    (score,) = found.scores
    first, second = (float(fake.images.mean()) for fake in FAKES)
    assert score.value == pytest.approx((first + second) / 2)
    assert score.num_seeds == 2
    assert score.seed_spread == pytest.approx(abs(first - second) / 2**0.5)
    assert (score.dataset, score.split, score.fingerprint) == ("examples", "all", "examples 0")
    assert score.warnings == ("grey", "drawn")


def test_an_evaluator_that_fails_on_one_set_gives_no_score_and_stops_no_other() -> None:
    evaluators = [FailsAtTheSecondSet(), Brightness()]
    found = measure(evaluators, Reference(REAL, ""), FAKES, seed=0, is_conditional=True, listener=Listener())
    assert [score.name for score in found.scores] == ["brightness"]
    assert found.failures == {0: "evaluator 'fails' gave no score: ValueError: no second set"}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("nan", "PluginError: the field `value` of its score 'rubbish' is nan, not a finite Python number."),
        ("exit", "SystemExit: 3"),
        ("close", "GeneratorExit"),
        ("matrices", "PluginError: its matrices over the generator seeds have different sizes."),
        ("huge", "OverflowError: intermediate overflow in fsum"),
    ],
)
def test_whatever_an_evaluator_does_the_others_are_measured(fault: str, reason: str) -> None:
    evaluators = [Rubbish(fault=fault), Brightness()]
    found = measure(evaluators, Reference(REAL, ""), FAKES, seed=0, is_conditional=True, listener=Listener())
    assert [score.name for score in found.scores] == ["brightness"]
    assert found.failures == {0: f"evaluator 'rubbish' gave no score: {reason}"}


def test_a_user_can_stop_an_evaluator() -> None:
    with pytest.raises(KeyboardInterrupt):
        measure([Rubbish(fault="stop")], Reference(REAL, ""), FAKES, seed=0, is_conditional=True, listener=Listener())


def test_the_sets_share_what_is_known_of_the_real_images_and_the_last_generated_ones_are_let_go() -> None:
    kept: list[set[int]] = []

    class Asks(Brightness):
        def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
            context.features(Colour(), real, "real images")
            context.features(Colour(), fake, "generated images")
            kept.append(set(context.store._sets))
            return []

    built.clear()
    measure([Asks()], Reference(REAL, ""), FAKES, seed=0, is_conditional=True, listener=Listener())
    assert kept == [{id(REAL), id(fake)} for fake in FAKES]
    assert len(built) == 1


def test_real_images_are_read_into_memory_once_and_for_those_alone_that_ask_for_an_array() -> None:
    given: list[LabelledImages] = []

    class Array(Brightness):
        def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
            given.append(real)
            return []

    class Batches(Array):
        in_batches: ClassVar[bool] = True

    on_disk = REAL.subset(np.arange(len(REAL)))
    evaluators = [Batches(), Array(), Array()]
    measure(evaluators, Reference(on_disk, ""), FAKES[:1], seed=0, is_conditional=True, listener=Listener())
    assert given[0] is on_disk and given[1] is given[2]
    assert isinstance(given[1].images, np.ndarray) and np.array_equal(given[1].images, REAL.images)


def test_each_set_is_measured_with_a_seed_of_its_own() -> None:
    seeds = []

    class Seed(Brightness):
        def evaluate(self, real: LabelledImages, fake: LabelledImages, context: EvaluationContext) -> list[Score]:
            seeds.append(context.seed)
            return []

    measure([Seed()], Reference(REAL, ""), FAKES, seed=0, is_conditional=True, listener=Listener())
    assert len(set(seeds)) == 2


def test_over_seeds_sums_matrices_and_leaves_out_what_not_all_sets_have() -> None:
    score = Score("agreement", 0.5, 10, 8, spread=0.2, spread_of="draws", floor=0.4, matrix=((3, 1), (0, 4)))
    other = replace(score, value=0.7, n_fake=6, spread=0.4, floor=0.6, matrix=((1, 1), (1, 1)))
    (mean,) = over_seeds([[score, replace(score, of_class="rare")], [other]])
    assert mean == replace(
        score,
        value=pytest.approx(0.6),
        n_fake=6,
        spread=pytest.approx(0.3),
        spread_of="draws, mean over the sets",
        floor=pytest.approx(0.5),
        matrix=((4, 2), (1, 5)),
        num_seeds=2,
        seed_spread=pytest.approx(0.1 * 2**0.5),
    )


def test_a_score_prints_as_one_line_that_can_be_cited() -> None:
    score = Score(
        "kd[net@1a2b3c4d]",
        0.25,
        146,
        146,
        spread=0.02,
        spread_of="standard deviation over 10 draws",
        floor=0.05,
        resizer="bicubic to 128 px",
        dataset="fundus",
        split="292 held out by group, 1,164 trained on, split seed 0",
        fingerprint="0123456789abcdef",
        num_seeds=3,
        seed_spread=0.01,
    )
    assert str(score) == (
        "kd[net@1a2b3c4d] 0.25 +- 0.01 (standard deviation over 3 generator seeds) +- 0.02 (standard deviation over 10 "
        "draws), n = 146 generated against 146 real, real-vs-real floor 0.05 (x 5), bicubic to 128 px, "
        "fundus@01234567, 292 held out by group, 1,164 trained on, split seed 0"
    )


def test_what_real_images_reach_is_called_a_ceiling_where_higher_is_better() -> None:
    score = Score("precision[net@1a2b3c4d]", 0.6, 50, 50, floor=0.8, lower_is_better=False)
    text = "precision[net@1a2b3c4d] 0.6, n = 50 generated against 50 real, real-vs-real ceiling 0.8"
    assert str(score) == f"{text} (x 0.75)"
    assert str(replace(score, floor_spread=0.031)) == f"{text} +- 0.031 (x 0.75)"


def test_a_score_with_a_target_says_which_value_is_right_and_is_judged_by_it() -> None:
    score = Score("ratio[pixels]", 1.2, 50, 50, floor=0.98, lower_is_better=False, target=1.0, resizer="none")
    assert str(score) == (
        "ratio[pixels] 1.2, n = 50 generated against 50 real, real-vs-real value 0.98 (x 1.22), near 1 is right"
    )
    assert (score.better, score.of_real) == ("near 1", "value")
    assert Score("ratio", 0.9, 9, 9, target=1.0).distance < score.distance == pytest.approx(0.2)
    assert (Score("kd", 3, 9, 9).distance, Score("r", 3, 9, 9, lower_is_better=False).distance) == (3, -3)


@pytest.mark.parametrize(("floor", "spread"), [(None, 0.1), (-0.01, 0.1), (0.05, 0.1)])
def test_a_floor_that_is_not_clearly_above_zero_gives_no_ratio(floor: float | None, spread: float) -> None:
    assert Score("kd", 0.5, 9, 9, spread=spread, floor=floor).ratio is None
