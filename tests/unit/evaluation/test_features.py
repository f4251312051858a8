"""Features are computed once, in an order that the content of the images gives, and kept only while they are whole."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from cases import images

from ganforge.data.images import LabelledImages
from ganforge.errors import DataError, PluginError
from ganforge.evaluation.features import extractor_id
from ganforge.evaluation.score import EvaluationContext
from ganforge.interfaces import ExtractorSpec

#: Images that any extractor of these tests has seen.
SEEN: list[int] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


class Means(ExtractorSpec):
    """Mean colour, with a made-up hash."""

    kind: Literal["means"] = "means"
    weights: str = "a"
    fault: str = ""

    def build(self, device: str) -> Colours:
        return Colours(self)


class Colours:
    name, resizer = "colours", "none"

    def __init__(self, spec: Means) -> None:
        self.sha256, self.fault = hashlib.sha256(spec.weights.encode()).hexdigest(), spec.fault
        self.dim = 2 if spec.fault == "dim" else 3

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        SEEN.append(len(batch))
        means = batch.mean(axis=(2, 3), dtype=np.float64).astype(np.float32)
        if self.fault == "not finite":
            means[-1] = np.nan
        return means[:, :1] if self.fault == "one column" else means


@pytest.fixture
def context(tmp_path: Path) -> EvaluationContext:
    return EvaluationContext(tmp_path / "cache", seed=0)


def later(context: EvaluationContext) -> EvaluationContext:
    """The context of the next evaluation: the same cache, nothing in memory."""
    return EvaluationContext(context.cache, context.seed)


def cached_files(context: EvaluationContext) -> list[Path]:
    return sorted(path for path in context.cache.rglob("*") if path.is_file())


def test_what_is_made_once_is_kept_for_the_evaluation(context: EvaluationContext) -> None:
    made: list[str] = []

    def make() -> int:
        made.append("made")
        return len(made)

    of_next_seed = replace(context, seed=1)
    found = [each.once(("count", "a"), make) for each in (context, of_next_seed)]
    assert found == [1, 1] and of_next_seed.once(("count", "b"), make) == 2
    assert later(context).once(("count", "a"), make) == 3


def test_each_row_belongs_to_the_image_that_order_names(context: EvaluationContext) -> None:
    real = images(40)
    features = context.features(Means(), real, "real images")
    assert features.values.shape == (40, 3) and features.values.dtype == np.float32 and len(features) == 40
    np.testing.assert_array_equal(np.sort(features.order), np.arange(40))
    expected = real.images[features.order].mean(axis=(2, 3))
    np.testing.assert_allclose(features.values, expected, rtol=1e-6)
    np.testing.assert_array_equal(features.labels, real.labels[features.order])
    assert features.groups == tuple(real.groups[i] for i in features.order)
    assert features.extractor == extractor_id(Means().build("cpu")) == "colours@ca978112"
    assert features.extractor_sha256 == hashlib.sha256(b"a").hexdigest()
    assert features.resizer == "none"


def test_the_order_of_the_images_changes_nothing_but_order(context: EvaluationContext, tmp_path: Path) -> None:
    real = images(40)
    shuffled = real.subset(np.random.default_rng(1).permutation(40))
    first = context.features(Means(), real, "real images")
    second = EvaluationContext(tmp_path / "other", seed=0).features(Means(), shuffled, "real images")
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert (first.groups, first.sha256) == (second.groups, second.sha256)
    assert [real.names[i] for i in first.order] == [shuffled.names[i] for i in second.order]


def test_the_hash_of_a_set_changes_with_any_pixel_and_with_the_shape(context: EvaluationContext) -> None:
    real = images(12)
    other = replace(real, images=real.images.copy())
    other.images[3, 1, 2, 2] ^= 1
    flat = LabelledImages(real.images.reshape(12, 3, 4, 16), real.labels, real.groups, real.names, real.card)
    hashes = {context.features(Means(), each, "real images").sha256 for each in (real, other, flat)}
    assert len(hashes) == 3


def test_images_that_are_the_same_stand_in_the_order_of_their_labels_and_groups(context: EvaluationContext) -> None:
    real = images(4)
    labels, groups = np.array([1, 0, 1, 0]), ["b", "b", "a", "a"]
    black = LabelledImages(np.zeros_like(real.images), labels, groups, real.names, real.card)
    features = context.features(Means(), black, "real images")
    assert features.labels.tolist() == [0, 0, 1, 1]
    assert features.groups == ("a", "b", "a", "b")


def test_one_evaluation_computes_the_same_features_once(context: EvaluationContext) -> None:
    real, fake = images(40), images(33)
    for _ in range(2):
        context.features(Means(), real, "real images")
        context.features(Means(), fake, "generated images")
    assert SEEN == [32, 8, 32, 1]
    context.features(Means(weights="b"), fake, "generated images")
    assert SEEN[4:] == [32, 1]
    assert EvaluationContext(context.cache, context.seed) == context


def test_features_of_real_and_training_images_are_kept_for_later_and_those_of_generated_ones_are_not(
    context: EvaluationContext,
) -> None:
    sets = {"real images": images(12), "training images": images(20), "generated images": images(5)}
    first = {what: context.features(Means(), each, what).values for what, each in sets.items()}
    assert SEEN == [12, 20, 5] and len(cached_files(context)) == 2
    assert {path.parent for path in cached_files(context)} == {context.cache / "features"}
    second = later(context)
    for what, each in sets.items():
        np.testing.assert_array_equal(second.features(Means(), each, what).values, first[what])
    assert SEEN[3:] == [5]


def test_another_network_or_other_images_are_not_taken_from_the_cache(context: EvaluationContext) -> None:
    context.features(Means(), images(12), "real images")
    later(context).features(Means(weights="b"), images(12), "real images")
    later(context).features(Means(), images(11), "real images")
    assert SEEN == [12, 12, 11] and len(cached_files(context)) == 3


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:150] + bytes([b[150] ^ 1]) + b[151:]])
def test_a_damaged_file_is_computed_again(context: EvaluationContext, damage) -> None:
    first = context.features(Means(), images(12), "real images").values
    (file,) = cached_files(context)
    intact = file.read_bytes()
    file.write_bytes(damage(intact))
    np.testing.assert_array_equal(later(context).features(Means(), images(12), "real images").values, first)
    assert SEEN == [12, 12] and file.read_bytes() == intact


def test_a_file_with_another_number_of_rows_is_computed_again(context: EvaluationContext) -> None:
    context.features(Means(), images(12), "real images")
    (file,) = cached_files(context)
    other = later(context)
    other.features(Means(), images(11), "real images")
    eleven = next(path for path in cached_files(context) if path != file)
    file.write_bytes(eleven.read_bytes())
    assert later(context).features(Means(), images(12), "real images").values.shape == (12, 3)


def test_an_evaluator_cannot_change_what_the_next_one_gets(context: EvaluationContext) -> None:
    for each in (context, later(context)):
        features = each.features(Means(), images(12), "real images")
        with pytest.raises(ValueError, match="read-only"):
            features.values[0] = 0


@pytest.mark.parametrize(("fault", "declared", "shape"), [("dim", 2, "(12, 3)"), ("one column", 3, "(12, 1)")])
def test_an_extractor_that_gives_another_number_of_features_is_named(
    context: EvaluationContext, fault: str, declared: int, shape: str
) -> None:
    with pytest.raises(PluginError) as caught:
        context.features(Means(fault=fault), images(12), "real images")
    assert str(caught.value) == (
        f"extractor 'means' says that it gives {declared} features, but gives an array of shape {shape} for 12 images."
    )
    assert cached_files(context) == []


def test_an_extractor_that_gives_numbers_that_are_not_finite_is_named(context: EvaluationContext) -> None:
    with pytest.raises(PluginError) as caught:
        context.features(Means(fault="not finite"), images(12), "real images")
    assert str(caught.value) == "extractor 'means' gives numbers that are not finite for real images."
    assert cached_files(context) == []


def signed(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\x93NUMPY\1\0\xff\xff{" + b"(" * 60000, saved(np.full((12, 3), np.nan, np.float32))],
    ids=["nothing", "text", "half a header", "not finite"],
)
def test_a_file_of_something_else_is_computed_again_though_its_hash_fits(
    context: EvaluationContext, content: bytes
) -> None:
    first = context.features(Means(), images(12), "real images").values
    (file,) = cached_files(context)
    file.write_bytes(signed(content))
    np.testing.assert_array_equal(later(context).features(Means(), images(12), "real images").values, first)
    assert SEEN == [12, 12]


def test_a_cache_that_takes_no_features_is_named(context: EvaluationContext) -> None:
    context.cache.mkdir()
    (context.cache / "features").write_text("a file")
    with pytest.raises(DataError) as caught:
        context.features(Means(), images(12), "real images")
    assert str(caught.value) == (
        f"features can't be written to {context.cache}/features: {context.cache}/features is a file and no folder. "
        "The environment variable GANFORGE_CACHE can name another folder for the cache."
    )


def test_the_user_sees_which_images_are_under_way(tmp_path: Path) -> None:
    seen = []

    def progress(items, total, what):
        seen.append((total, what))
        return items

    context = EvaluationContext(tmp_path, seed=0, progress=progress)
    context.features(Means(), images(40), "real images")
    context.features(Means(), images(12), "generated images")
    assert seen == [(2, "colours: real images"), (1, "colours: generated images")]


def test_features_need_no_torch() -> None:
    code = "import ganforge.evaluation.score, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
