"""The evaluator `memorisation`: what it finds, what it says beside it, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganforge.errors import DataError, UsageError
from ganforge.evaluation.score import EvaluationContext
from ganforge_fid import spaces
from ganforge_fid.copies import Memorisation
from ganforge_fid.memorisation import nearest_in_pixels
from ganforge_fid.pairs import GAP, SHOWN, Pair


@pytest.fixture
def evaluated(colours, context):
    """evaluated(train, real, fake): scores of all classes by name, the hash of the extractor left out."""

    def evaluate(train, real, fake, **changed):
        scores = Memorisation(extractor=colours).evaluate(real, fake, replace(context, train=train, **changed))
        return {score.name.partition("@")[0].rstrip("]"): score for score in scores if score.of_class is None}

    return evaluate


def of(patients: str, images):
    """The same images of patients with other names."""
    return replace(images, groups=[f"{patients} {group}" for group in images.groups])


def test_new_images_are_told_from_copies_in_both_spaces(evaluated, drawn):
    train, real, new = drawn([60]), of("held out", drawn([120], seed=1)), drawn([60], seed=2)
    copies = replace(new, images=np.concatenate([train.images[:30], train.images[30:, ..., ::-1]]))
    copies.images[..., 0, 0] += 1
    honest, copied = evaluated(train, real, new), evaluated(train, real, copies)
    assert list(honest) == [f"memorisation_{x}[{y}" for y in ("colours", "pixels") for x in ("ratio", "share")]
    for space in ("colours", "pixels"):
        ratio, share = (f"memorisation_{x}[{space}" for x in ("ratio", "share"))
        assert 0.8 < honest[ratio].value < 1.25
        assert honest[share].value < 0.06
        assert copied[ratio].value < 0.2
        assert copied[share].value == 1
        assert 0.8 < copied[ratio].floor < 1.25
        assert copied[share].floor < 0.06


def test_a_score_says_all_that_changes_its_value(evaluated, drawn, colours):
    real = of("held out", drawn([50, 50], seed=1))
    scores = evaluated(drawn([30, 10]), real, drawn([20, 20], seed=2))
    first, *_, last = scores.values()
    assert (first.name, last.name) == (
        f"memorisation_ratio[colours@{colours.build('cpu').sha256[:8]}]",
        "memorisation_share[pixels]",
    )
    assert (first.extractor, first.resizer) == (f"colours, sha256 {colours.build('cpu').sha256}", "none")
    assert (last.extractor, last.resizer) == ("pixels, root mean square in grey levels", "none")
    assert (first.better, last.better) == ("near 1", "lower")
    assert all(f"{score.name.partition('[')[0]}: " in score.meaning for score in scores.values())
    for score in scores.values():
        assert (score.n_real, score.n_fake, score.dataset) == (100, 40, "discs")
        assert score.spread_of == "standard deviation over 10 draws of 40 of 100 held-out and 40 of 40 generated"
        assert score.warnings == (
            "no proof either way, look at the closest pairs too: copies that are noisy or recoloured escape one of "
            "features and pixels, and copies that are shifted or turned may escape both.",
            "against 40 training images; compare with scores against as many only.",
        )


def test_copies_of_a_rare_class_show_in_its_share(colours, context, drawn):
    train, real, fake = drawn([200, 25]), of("held out", drawn([110, 10], seed=1)), drawn([200, 25], seed=2)
    fake.images[200:] = train.images[200:]

    def shares(**changed):
        changed = replace(context, train=train, **changed)
        scores = Memorisation(extractor=colours).evaluate(real, fake, changed)
        return [score for score in scores if score.of_class is not None]

    found = shares()
    assert [(score.name.partition("[")[0], score.of_class, score.n_fake) for score in found] == [
        ("memorisation_share", name, n) for _ in range(2) for name, n in (("grade 0", 200), ("grade 1", 25))
    ]
    assert [score.value for score in found[1::2]] == [1, 1]
    assert all(score.value < 0.06 and score.spread is None for score in found[::2])
    assert shares(is_conditional=False) == []


def test_a_share_from_few_held_out_images_says_what_is_expected(evaluated, drawn):
    scores = evaluated(drawn([20]), of("held out", drawn([49], seed=1)), drawn([20], seed=2))
    warning = (
        "49 held-out images are too few for a 1% quantile, which needs 99: generated images are counted below the "
        "smallest distance of a held-out image, where 0.02 of new images are expected."
    )
    assert [name for name, score in scores.items() if warning in score.warnings] == [
        "memorisation_share[colours",
        "memorisation_share[pixels",
    ]


def test_the_order_of_the_images_changes_nothing(evaluated, drawn, tmp_path):
    sets = drawn([40]), of("held out", drawn([60], seed=1)), drawn([30], seed=2)
    generator = np.random.default_rng(0)
    shuffled = [images.subset(generator.permutation(len(images))) for images in sets]
    assert evaluated(*shuffled, cache=tmp_path / "other") == evaluated(*sets)


def test_held_out_images_that_were_trained_on_are_left_out(evaluated, drawn):
    train, real = drawn([40]), of("held out", drawn([120], seed=1))
    expected = evaluated(train, real, drawn([30], seed=2))
    mixed = replace(
        real,
        images=np.concatenate([real.images, train.images[:3], train.images[3:5, ..., ::-1]]),
        labels=np.zeros(125, np.int64),
        groups=[*real.groups, *"abcde"],
        names=["x"] * 125,
    )
    found = evaluated(train, mixed, drawn([30], seed=2))
    for name, score in found.items():
        assert (score.value, score.n_real) == (expected[name].value, 120)
        assert score.warnings[-1] == "5 of 125 held-out images are training images to the pixel and were left out."


def test_held_out_patients_who_were_trained_on_are_reported(evaluated, drawn):
    scores = evaluated(drawn([40]), drawn([10], seed=1), drawn([30], seed=2))
    for score in scores.values():
        assert score.warnings[-1] == (
            "10 of 10 held-out images belong to patients of the training images, "
            "and may be nearer to those than images of new patients."
        )


def test_one_held_out_patient_gives_no_spread_and_no_floor(evaluated, drawn):
    scores = evaluated(drawn([20]), of("held out", drawn([2], seed=1)), drawn([20], seed=2))
    assert {(score.spread, score.spread_of, score.floor) for score in scores.values()} == {(None, "", None)}


def test_unknown_training_images_and_none_held_out_are_data_errors(evaluated, drawn):
    train = drawn([20])
    message = (
        r"^memorisation needs the images that the generator was trained on, beside real images that it was not trained "
        r"on\. A run has both if split\.held_out is above 0; for a folder, name them with --train\.$"
    )
    with pytest.raises(DataError, match=message):
        evaluated(None, train, train)
    message = (
        r"^memorisation needs at least two images that the generator was not trained on; of the 20 real images 20 are "
        r"training images\. Hold some out with split\.held_out\.$"
    )
    with pytest.raises(DataError, match=message):
        evaluated(train, train, drawn([5], seed=1))
    message = r"^memorisation compares images of one size; the training images are 4x4, others 2x2\.$"
    small = replace(drawn([5]), images=np.zeros((5, 3, 2, 2), np.uint8))
    with pytest.raises(DataError, match=message):
        evaluated(train, drawn([5], seed=1), small)
    message = "^memorisation needs at least one generated and two held-out images, but a set is empty.$"
    with pytest.raises(DataError, match=message):
        evaluated(train, drawn([5], seed=1), drawn([0]))


def test_features_of_training_images_are_computed_once(colours, images_seen, context, drawn):
    train, real = drawn([20]), drawn([12], seed=1)
    for seed in (2, 3):
        fake = drawn([7], seed=seed)
        assert Memorisation(extractor=colours).evaluate(real, fake, EvaluationContext(context.cache, 0, train=train))
    assert images_seen() == 2 * 20 + 12 + 2 * 7


def test_what_the_generator_seed_does_not_change_is_computed_once(colours, context, drawn, monkeypatch):
    train, real = drawn([20]), of("held out", drawn([12], seed=1))
    asked = []

    def counted(images, *others):
        asked.append(len(images))
        return nearest_in_pixels(images, *others)

    monkeypatch.setattr(spaces, "nearest_in_pixels", counted)
    fakes, found, kept = [drawn([7], seed=seed) for seed in (2, 3, 4)], [], []
    for fake in fakes:
        found.append(Memorisation(extractor=colours).evaluate(real, fake, replace(context, train=train)))
        context.store.forget_generated()
        kept.append(set(context.store._sets))
    assert asked == [12, 7, 7, 7]
    assert kept[0] == kept[1] == kept[2]
    for fake, scores in zip(fakes, found, strict=True):
        alone = EvaluationContext(context.cache, context.seed, train=train)
        assert Memorisation(extractor=colours).evaluate(real, fake, alone) == scores


def test_the_closest_pairs_are_given_in_the_numbers_of_the_sets(colours, context, drawn):
    train, fake = drawn([20]), drawn([10], seed=1)
    fake.images[6], fake.images[3] = train.images[11, ..., ::-1], train.images[2]
    pairs = Memorisation(extractor=colours).closest_pairs(fake, replace(context, train=train), count=2)
    sha256 = colours.build("cpu").sha256[:8]
    assert list(pairs) == [f"colours@{sha256}", "pixels"]
    # mean colours are the same in the mirror
    assert {(pair.fake, pair.train) for pair in pairs[f"colours@{sha256}"]} == {(3, 2), (6, 11)}
    assert pairs["pixels"] == [Pair(3, 2, False, 0.0), Pair(6, 11, True, 0.0)]


def test_a_panel_of_the_closest_pairs_is_written_where_it_is_asked_for(colours, context, drawn, tmp_path):
    train, real, fake = drawn([20]), of("held out", drawn([20], seed=1)), drawn([9], seed=2)
    panel = tmp_path / "pairs.png"
    Memorisation(extractor=colours, panel=panel).evaluate(real, fake, replace(context, train=train))
    with Image.open(panel) as picture:
        assert picture.width == 2 * (2 * SHOWN + 3 * GAP)
    lost = Memorisation(extractor=colours, panel=tmp_path / "nowhere" / "pairs.png")
    with pytest.raises(UsageError) as caught:
        lost.preflight()
    assert str(caught.value) == f"there is no folder {tmp_path / 'nowhere'} for memorisation's panel."
    with pytest.raises(UsageError, match=r"^no file can be made in /proc for memorisation's panel: "):
        Memorisation(extractor=colours, panel="/proc/pairs.png").preflight()
    Memorisation(extractor=colours, panel=panel).preflight()  # may be written again
    mine = tmp_path / "mine.png"
    mine.write_bytes(b"mine")
    with pytest.raises(UsageError) as caught:
        Memorisation(extractor=colours, panel=mine).preflight()
    assert str(caught.value) == f"{mine} is there and no panel; memorisation's panel needs a name of its own."
