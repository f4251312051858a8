"""Exact and fast sampling, and how many images are computed at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cases import networks, planned, recipe_data
from trainings import trainer

from ganforge import sampling
from ganforge.pictures import to_uint8
from ganforge.sampling import Sampler, grid_images


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled with the number of images of each batch of latents that is drawn."""
    found: list[int] = []

    class Counted(sampling.Draws):
        def normal(self, *shape: int) -> torch.Tensor:
            if len(shape) == 1:  # the rest is noise
                found.append(len(self))
            return super().normal(*shape)

    monkeypatch.setattr(sampling, "Draws", Counted)
    return found


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


def test_a_grid_in_parts_is_the_same_but_for_rounding(sizes: list[int]) -> None:
    generator, _ = networks(planned(recipe_data("transfer")))
    whole, parts = (to_uint8(grid_images(generator, 2, 5, 0, batch=batch)).astype(int) for batch in (64, 4))
    assert sizes == [10, 4, 4, 2]
    assert np.abs(whole - parts).max() <= 1


@pytest.mark.parametrize(("microbatch", "expected"), [(None, [8, 8, 2]), (2, [2] * 9)])
def test_the_grid_of_a_training_takes_no_more_memory_than_a_batch(
    microbatch: int | None, expected: list[int], sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "BATCH_PIXELS", 8 * 8**2)  # of 8 px, as those of the recipe
    data = recipe_data("style")
    data["output"]["columns"] = 9
    data["training"]["microbatch"] = microbatch
    training = trainer(data, tmp_path)
    training._sample()
    assert sizes == expected
