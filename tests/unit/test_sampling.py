"""Exact and fast sampling."""

from __future__ import annotations

import numpy as np
from cases import networks, planned, recipe_data

from ganforge.sampling import Sampler


def test_fast_sampling_differs_from_exact_sampling_by_rounding_alone() -> None:
    generator, _ = networks(planned(recipe_data("style")))
    labels = [0, 1] * 3
    exact = Sampler(generator, 0).images(labels).astype(int)
    fast = Sampler(generator, 0, fast=True).images(labels).astype(int)
    assert np.abs(exact - fast).max() > 0
    assert np.abs(exact - fast).mean() < 2  # of 255


def test_an_image_does_not_depend_on_the_batch_it_is_sampled_in() -> None:
    generator, _ = networks(planned(recipe_data("style")))
    many = Sampler(generator, 0).images([0] * 70)
    few = Sampler(generator, 0).images([0] * 66)
    assert np.abs(many[:66].astype(int) - few.astype(int)).max() <= 1
