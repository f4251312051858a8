"""The linear probe: balanced, indifferent to scale and order, and without a crash on what is absent."""

import numpy as np

from ganforge_fid.probe import linear_probe


def clouds(counts: list[int], seed: int = 0, dim: int = 5) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(len(counts)), counts)
    values = np.random.default_rng(seed).normal(size=(len(labels), dim))
    values[:, 0] += 3 * labels
    return values, labels


def test_classes_that_can_be_told_apart_are():
    probe = linear_probe(*clouds([60, 60, 60]), 3)
    values, labels = clouds([50, 50, 50], seed=1)
    probabilities = probe(values)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.85


def test_a_rare_class_counts_as_much_as_a_frequent_one():
    probe = linear_probe(*clouds([4000, 200]), 2)
    values, labels = clouds([500, 500], seed=1)
    is_right = probe(values).argmax(axis=1) == labels
    assert abs(is_right[labels == 0].mean() - is_right[labels == 1].mean()) < 0.06


def test_a_class_that_was_not_trained_on_has_probability_zero():
    for counts, absent in (([20, 0, 20], 1), ([0, 20, 20, 20], 0), ([20, 20, 0, 0], 2)):
        values, labels = clouds(counts)
        probabilities = linear_probe(values, labels, len(counts))(values)
        assert (probabilities[:, absent] == 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert (probabilities.argmax(axis=1) == labels).mean() > 0.85


def test_scale_shift_and_order_of_the_training_images_change_nothing():
    values, labels = clouds([60, 40, 20])
    tested = clouds([20, 20, 20], seed=1)[0]
    expected = linear_probe(values, labels, 3)(tested)
    scaled = linear_probe(values * 1000 + 7, labels, 3)(tested * 1000 + 7)
    np.testing.assert_allclose(scaled, expected, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(labels))
    np.testing.assert_allclose(linear_probe(values[order], labels[order], 3)(tested), expected, atol=2e-3)


def test_a_feature_that_is_constant_in_training_is_ignored():
    values, labels = clouds([40, 40])
    with_constant = np.hstack([values, np.full((80, 1), 5.0)])
    probe = linear_probe(with_constant, labels, 2)
    moved = with_constant.copy()
    moved[:, -1] = -1e6
    np.testing.assert_array_equal(probe(moved), probe(with_constant))
