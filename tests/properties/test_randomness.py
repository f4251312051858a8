"""Randomness is a function of seed, purpose and sample, and of nothing else."""

from __future__ import annotations

import numpy as np
import torch
from cases import PROPERTY, networks, planned, recipe_data
from hypothesis import given
from hypothesis import strategies as st

from ganforge.randomness import Draws, derive_seed, draw_categories
from ganforge.sampling import Sampler, grid_images, proportional_labels

samples = st.lists(st.integers(0, 50), min_size=1, max_size=6)
seeds = st.integers(0, 2**31)


@PROPERTY
@given(seeds, samples, st.permutations(range(6)))
def test_a_sample_draws_the_same_numbers_in_any_batch(seed: int, samples: list[int], order: list[int]) -> None:
    draws = Draws(seed, "x", samples)
    together = draws.normal(3), draws.uniform(2, 2), draws.noise(2, 3)
    shuffled = [samples[i] for i in order if i < len(samples)]
    for number, sample in enumerate(shuffled):
        alone = Draws(seed, "x", [sample])
        row = samples.index(sample)
        for found, expected in zip((alone.normal(3), alone.uniform(2, 2), alone.noise(2, 3)), together, strict=True):
            assert torch.equal(found[0], expected[row]), number


@PROPERTY
@given(seeds, st.integers(0, 50))
def test_other_purposes_seeds_and_samples_draw_other_numbers(seed: int, sample: int) -> None:
    found = {
        tuple(Draws(*arguments).uniform(4)[0].tolist())
        for arguments in (
            (seed, "x", [sample]),
            (seed, "y", [sample]),
            (seed + 1, "x", [sample]),
            (seed, "x", [sample + 1]),
        )
    }
    assert len(found) == 4


def test_the_seeds_of_a_purpose_never_change() -> None:
    """A change here would change the result of every recipe."""
    assert derive_seed(0) == 3456079177858693020
    assert derive_seed(7, "fake", 12) == 69187297364427464


@PROPERTY
@given(st.lists(st.integers(0, 5), min_size=1, max_size=5).filter(any), seeds)
def test_categories_without_weight_are_never_drawn(weights: list[int], seed: int) -> None:
    probabilities = torch.tensor(weights, dtype=torch.float64) / sum(weights)
    found = draw_categories(Draws(seed, "x", range(50)), probabilities)
    assert found.dtype == torch.int64
    assert all(weights[k] for k in found.tolist())


def test_categories_come_as_often_as_their_probabilities_say() -> None:
    probabilities = torch.tensor([0.5, 0.1, 0.4], dtype=torch.float64)
    found = draw_categories(Draws(0, "x", range(4000)), probabilities)
    shares = found.bincount(minlength=3) / len(found)
    torch.testing.assert_close(shares.double(), probabilities, rtol=0, atol=0.03)


@PROPERTY
@given(st.lists(st.integers(0, 100), min_size=1, max_size=6).filter(any), st.integers(1, 200))
def test_proportional_labels_are_within_one_of_their_share(counts: list[int], total: int) -> None:
    labels = proportional_labels(counts, total)
    assert len(labels) == total
    assert labels == sorted(labels)
    for label, count in enumerate(counts):
        assert abs(labels.count(label) - count * total / sum(counts)) < 1
        assert count or label not in labels


def conditional() -> tuple[torch.nn.Module, torch.nn.Module]:
    data = recipe_data("style")
    data["generator"]["label"] = [{"where": {"kind": "latent"}, "how": {"kind": "concatenate", "dim": 2}}]
    data["generator"]["initialisation"] = {"kind": "variance_preserving"}
    generator, discriminator = networks(planned(data))
    torch.nn.init.normal_(generator.get_parameter("fc.extra.weight"))
    return generator, discriminator


def test_an_image_does_not_depend_on_its_batch() -> None:
    generator, _ = conditional()
    labels = [0, 1, 1, 0] * 17  # more than one batch of 64
    images = Sampler(generator, seed=3).images(labels)
    assert images.shape == (68, 3, 8, 8)
    assert images.dtype == np.uint8
    first = Sampler(generator, seed=3).images(labels[:5])
    assert np.array_equal(first, images[:5])
    assert not np.array_equal(Sampler(generator, seed=4).images(labels[:5]), first)


def test_truncation_to_nothing_gives_one_style_for_each_class() -> None:
    generator, _ = conditional()
    styles = []
    original = generator.forward
    generator.forward = lambda z, labels, context: (styles.append(context.style), original(z, labels, context))[1]
    Sampler(generator, seed=3, truncation=0.0).images([0, 0, 1, 1])
    (style,) = styles
    assert torch.equal(style[0], style[1])
    assert torch.equal(style[2], style[3])
    Sampler(generator, seed=3).images([0, 0, 1, 1])
    assert not torch.equal(styles[1][0], styles[1][1])


def test_the_rows_of_a_grid_share_their_latents() -> None:
    generator, _ = conditional()
    grid = grid_images(generator, rows=2, columns=3, seed=0).unflatten(0, (2, 3))
    assert not torch.equal(grid[0], grid[1])
    torch.nn.init.zeros_(generator.get_parameter("fc.extra.weight"))
    same = grid_images(generator, rows=2, columns=3, seed=0).unflatten(0, (2, 3))
    torch.testing.assert_close(same[0], same[1])
    assert not torch.allclose(same[0, 0], same[0, 1])
