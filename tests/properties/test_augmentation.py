"""Augmentations: what they keep, and how the adaptive one adapts."""

from __future__ import annotations

import math

import pytest
import torch
from cases import PROPERTY, components
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ganforge.augmentation.ada import AdaptiveAugment, _rotation, _translation, transformed
from ganforge.augmentation.simple import DiffAugment, Flip, cut_out, jitter, translate
from ganforge.randomness import Draws

sides = st.integers(2, 8)
seeds = st.integers(0, 2**31)


def images(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@PROPERTY
@given(st.sampled_from(["flip", "diff_augment", "ada"]), st.integers(1, 4), sides, sides, seeds)
def test_shape_and_type_are_kept(kind: str, n: int, height: int, width: int, seed: int) -> None:
    spec = components()["augmentation"].get(kind)
    assert spec is not None
    module = spec(initial=0.8).build() if kind == "ada" else spec().build()
    for dtype in (torch.float32, torch.float64):
        batch = images(n, height, width).to(dtype)
        out = module(batch, Draws(seed, "x", range(n)))
        assert (out.shape, out.dtype) == (batch.shape, dtype)
        assert torch.equal(out, module(batch, Draws(seed, "x", range(n))))


@PROPERTY
@given(sides, sides, seeds)
def test_adaptive_augmentation_at_p_0_is_the_identity(height: int, width: int, seed: int) -> None:
    batch = images(3, height, width)
    module = AdaptiveAugment(0.6, 100, 0.0, rotations=True, colour=True)
    torch.testing.assert_close(module(batch, Draws(seed, "x", range(3))), batch, rtol=0, atol=2e-6)


def test_adaptive_augmentation_at_p_1_changes_every_image() -> None:
    batch = images(16, 8, 8)
    out = AdaptiveAugment(0.6, 100, 1.0, rotations=True, colour=True)(batch, Draws(0, "x", range(16)))
    assert all(not torch.allclose(a, b, atol=1e-2) for a, b in zip(out, batch, strict=True))


def test_transforms_are_done_one_after_the_other() -> None:
    batch = images(2, 8, 8)
    quarter = _rotation(torch.full((2,), math.pi / 2))
    pixel = _translation(torch.tensor([[0.25, 0.0], [0.25, 0.0]]))  # in halves of 8
    expected = transformed(transformed(batch, [quarter]), [pixel])
    torch.testing.assert_close(transformed(batch, [quarter, pixel]), expected, rtol=0, atol=1e-5)
    assert not torch.allclose(transformed(batch, [pixel, quarter]), expected, atol=0.1)


@PROPERTY
@given(st.lists(st.sampled_from([-3.0, -0.1, 0.2, 5.0]), min_size=1, max_size=8), st.floats(-0.9, 0.9), st.floats(0, 1))
def test_p_grows_where_real_images_are_told_too_easily_and_shrinks_elsewhere(
    logits: list[float], target: float, p: float
) -> None:
    module = AdaptiveAugment(target, 100, p, rotations=True, colour=True)
    before = module.p.item()
    module.observe(torch.tensor(logits))
    sign = sum(1 if logit > 0 else -1 for logit in logits) / len(logits)
    change = len(logits) / 100 if sign > target else -len(logits) / 100
    if abs(sign - target) > 1e-6:
        assert module.p.item() == pytest.approx(min(1.0, max(0.0, before + change)), abs=1e-6)
    assert 0 <= module.p.item() <= 1


def test_p_goes_from_0_to_1_in_the_images_that_were_asked_for() -> None:
    module = AdaptiveAugment(0.6, 80, 0.0, rotations=True, colour=True)
    for _ in range(10):
        module.observe(torch.ones(8))
    assert module.p.item() == pytest.approx(1.0)


def test_p_goes_into_the_state() -> None:
    module = AdaptiveAugment(0.6, 80, 0.25, rotations=True, colour=True)
    assert module.state_dict() == {"p": torch.tensor(0.25)}


@PROPERTY
@given(sides, sides, st.floats(0, 0.5), seeds)
def test_translation_moves_the_content_and_fills_with_zeros(height: int, width: int, share: float, seed: int) -> None:
    batch = images(2, height, width) + 2.0  # nothing of it is zero
    moved = translate(batch, Draws(seed, "x", range(2)), share)
    reach_y, reach_x = int(height * share + 0.5), int(width * share + 0.5)
    for image, found in zip(batch, moved, strict=True):
        candidates = [
            _shifted(image, dy, dx) for dy in range(-reach_y, reach_y + 1) for dx in range(-reach_x, reach_x + 1)
        ]
        assert any(torch.equal(found, candidate) for candidate in candidates)


def _shifted(image: Tensor, dy: int, dx: int) -> Tensor:
    """out[y, x] = image[y + dy, x + dx], 0 outside."""
    _, height, width = image.shape
    out = torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                out[:, y, x] = image[:, y + dy, x + dx]
    return out


def test_translation_uses_its_whole_reach_both_ways() -> None:
    batch = torch.zeros(400, 3, 8, 8)
    batch[:, :, 4, 4] = 1.0
    moved = translate(batch, Draws(0, "x", range(400)), 0.25)[:, 0].flatten(1).argmax(dim=1)
    assert set((moved // 8).tolist()) == {2, 3, 4, 5, 6}
    assert set((moved % 8).tolist()) == {2, 3, 4, 5, 6}


@PROPERTY
@given(sides, sides, st.floats(0.1, 1), seeds)
def test_cutout_sets_one_rectangle_to_zero_and_leaves_the_rest(
    height: int, width: int, share: float, seed: int
) -> None:
    batch = images(3, height, width) + 2.0
    out = cut_out(batch, Draws(seed, "x", range(3)), share)
    for image, found in zip(batch, out, strict=True):
        is_cut = (found == 0).all(dim=0)
        assert torch.equal(found[:, ~is_cut], image[:, ~is_cut])
        rows, columns = is_cut.any(dim=1), is_cut.any(dim=0)
        assert torch.equal(is_cut, rows[:, None] & columns[None, :])
        assert int(rows.sum()) <= int(height * share + 0.5)
        assert int(columns.sum()) <= int(width * share + 0.5)


@PROPERTY
@given(sides, st.floats(0.1, 1))
def test_cutout_is_as_large_as_it_is_to_be_where_the_edge_does_not_cut_it(side: int, share: float) -> None:
    """Over many draws the largest one, which lies inside or fills the image."""
    batch = torch.ones(200, 3, side, side)
    cut = cut_out(batch, Draws(0, "x", range(200)), share)[:, 0] == 0
    assert int(cut.sum(dim=(1, 2)).max()) == int(side * share + 0.5) ** 2


@PROPERTY
@given(sides, seeds)
def test_colour_jitter_is_an_affine_map_of_each_image(side: int, seed: int) -> None:
    """One offset, one scale of the chroma and one of the contrast: grey stays grey, and means move by the offset."""
    grey = images(2, side, side)[:, :1].expand(-1, 3, -1, -1)
    out = jitter(grey, Draws(seed, "x", range(2)))
    torch.testing.assert_close(out[:, 0], out[:, 2], rtol=0, atol=1e-5)
    shift = out.mean(dim=(1, 2, 3)) - grey.mean(dim=(1, 2, 3))
    assert bool((shift.abs() <= 0.5 + 1e-5).all())
    spread = (out.std(dim=(1, 2, 3)) + 1e-9) / (grey.std(dim=(1, 2, 3)) + 1e-9)
    assert bool(((spread > 0.5 - 1e-3) & (spread < 1.5 + 1e-3)).all())


@PROPERTY
@given(st.sampled_from(["horizontal", "vertical"]), seeds)
def test_a_flip_mirrors_about_half_of_the_images(axis: str, seed: int) -> None:
    batch = images(64, 2, 2)
    out = Flip(axis)(batch, Draws(seed, "x", range(64)))
    mirrored = batch.flip(3 if axis == "horizontal" else 2)
    flipped = [torch.equal(a, b) for a, b in zip(out, mirrored, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(out, batch, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 12 <= sum(flipped) <= 52


def test_parts_of_diff_augment_can_be_switched_off() -> None:
    batch = images(4, 8, 8)
    assert torch.equal(DiffAugment(False, 0.0, 0.0)(batch, Draws(0, "x", range(4))), batch)
