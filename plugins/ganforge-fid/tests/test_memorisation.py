"""Copies are found, new images are not, whatever the space, the order or a flip."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganforge_fid.memorisation import expected_share, nearest_in_features, nearest_in_pixels, ratio_and_share

seeds = st.integers(0, 2**32 - 1)


def pictures(seed: int, n: int, side: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(n, 3, side, side), dtype=np.uint8)


def with_noise(images: np.ndarray, seed: int = 9) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-4, 5, size=images.shape)
    return np.clip(images.astype(int) + noise, 0, 255).astype(np.uint8)


def test_a_distance_in_pixels_is_the_root_mean_square_in_grey_levels():
    train = pictures(0, 5)
    found = nearest_in_pixels(with_noise(train), train)
    expected = np.sqrt(((with_noise(train).astype(float) - train) ** 2).mean(axis=(1, 2, 3)))
    np.testing.assert_allclose(found.distances, expected, rtol=1e-12)
    assert found.indices.tolist() == [0, 1, 2, 3, 4]
    assert not found.is_mirrored.any()


def test_mirrored_copies_are_copies():
    train = pictures(0, 5)
    found = nearest_in_pixels(train[::-1, :, :, ::-1], train)
    assert (found.distances == 0).all()
    assert found.indices.tolist() == [4, 3, 2, 1, 0]
    assert found.is_mirrored.all()
    # upside down is another picture
    assert (nearest_in_pixels(train[:, :, ::-1], train).distances > 50).all()


def test_in_features_the_nearer_of_image_and_mirror_image_counts():
    generator = np.random.default_rng(0)
    train, mirrored = 100 + generator.normal(size=(2, 6, 40))
    found = nearest_in_features(np.vstack([train[:2], mirrored[4:]]), train, mirrored)
    assert (found.distances == 0).all()
    assert found.indices.tolist() == [0, 1, 4, 5]
    assert found.is_mirrored.tolist() == [False, False, True, True]


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_copies_with_a_little_noise_have_a_ratio_near_0_and_a_share_of_1(seed):
    train, held_out = pictures(seed, 60), pictures(seed + 1, 120)
    near = nearest_in_pixels(with_noise(train, seed + 2), train)
    found = ratio_and_share(nearest_in_pixels(held_out, train).distances, near.distances)
    assert found["ratio"] < 0.1
    assert found["share"] == 1


def test_new_images_of_the_same_kind_have_a_ratio_near_1_and_a_share_near_the_expected_one():
    for num_held_out, expected in ((300, 0.01), (99, 0.01), (40, 1 / 41)):
        assert expected_share(num_held_out) == expected
        found = []
        for seed in range(200):
            generator = np.random.default_rng([num_held_out, seed])
            train, held_out, fake = (generator.normal(size=(n, 4)) for n in (50, num_held_out, 200))
            distances = [nearest_in_features(x, train, train).distances for x in (held_out, fake)]
            found.append(ratio_and_share(*distances))
        ratios, shares = ([each[name] for each in found] for name in ("ratio", "share"))
        assert abs(np.mean(ratios) - 1) < 0.02
        assert abs(np.mean(shares) - expected) < 4 * np.std(shares) / np.sqrt(len(shares))


def test_some_copies_among_new_images_show_in_the_share_and_hardly_in_the_ratio():
    generator = np.random.default_rng(0)
    train, held_out, fake = (generator.normal(size=(n, 4)) for n in (100, 300, 300))
    fake[:30] = train[:30] + 1e-3
    found = ratio_and_share(*(nearest_in_features(x, train, train).distances for x in (held_out, fake)))
    assert found["ratio"] > 0.8
    assert found["share"] == pytest.approx(0.11, abs=0.02)


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_the_order_of_images_changes_nothing(seed):
    generator = np.random.default_rng(seed)
    sets = pictures(seed, 9), pictures(seed + 1, 12), pictures(seed + 2, 7)
    first, second = (
        ratio_and_share(*(nearest_in_pixels(x, train).distances for x in (held_out, fake)))
        for train, held_out, fake in (sets, [generator.permutation(x) for x in sets])
    )
    assert first == second
