"""What a GPU computes is what a CPU computes: each player's gradients, and images."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from cases import GENERATORS, ON_EACH_DEVICE, PROPERTY, networks, planned, recipe_data
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from trainings import trainer

from ganforge.blocks.base import Context
from ganforge.blocks.pooling import average_pool
from ganforge.devices import moved
from ganforge.randomness import Draws, draw_categories
from ganforge.testing.tensors import normal


class Recorded:
    """A tensor that keeps how it is moved."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def pin_memory(self) -> Recorded:
        self.calls.append("pinned")
        return self

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Recorded:
        self.calls.append((device.type, non_blocking))
        return self


@pytest.mark.parametrize(
    ("device", "calls"), [("cpu", [("cpu", False)]), ("cuda", ["pinned", ("cuda", True)])], ids=("cpu", "cuda")
)
def test_the_processor_waits_for_nothing_that_a_gpu_fetches(device: str, calls: list[object]) -> None:
    tensor = Recorded()
    moved(tensor, torch.device(device))  # type: ignore[arg-type]
    assert tensor.calls == calls


def test_categories_are_drawn_without_the_device() -> None:
    probabilities = torch.full((3,), 1 / 3, dtype=torch.float64)
    here, there = (draw_categories(Draws(0, "x", range(9), device), probabilities) for device in ("cpu", "meta"))
    assert torch.equal(here, there)


@ON_EACH_DEVICE
@PROPERTY
@given(st.integers(1, 3), st.integers(2, 9), st.integers(2, 9))
def test_average_pooling_and_its_gradient_are_a_convolution(
    device: str, channels: int, height: int, width: int
) -> None:
    h = normal(2, channels, height, width)
    kernel = torch.full((channels, 1, 3, 3), 1 / 9, dtype=torch.float64)
    expected = F.conv2d(h.requires_grad_(), kernel, stride=2, padding=1, groups=channels)
    sent = normal(*expected.shape, seed=1)
    (gradient,) = torch.autograd.grad(expected, h, sent)
    there = h.detach().to(device).contiguous(memory_format=torch.channels_last).requires_grad_()
    found = average_pool(there)
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-12, atol=1e-12)
    (found_gradient,) = torch.autograd.grad(found, there, sent.to(device))
    torch.testing.assert_close(found_gradient.cpu(), gradient, rtol=1e-12, atol=1e-12)


@ON_EACH_DEVICE
@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_gives_the_same_images_and_gradients(name: str, device: str) -> None:
    plan = planned(recipe_data(name))
    of_each = []
    for where in ("cpu", device):
        generator, _ = networks(plan, double=True)
        generator.to(where)
        if where == device:
            generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        draws = Draws(0, "fake", range(3), where)
        z = draws.normal(generator.latent_dim).double()
        noise = Context(noise=lambda *sides, draws=draws: draws.noise(*sides).double())
        images = generator(z, torch.arange(3, device=where) % 2, noise)
        (images * normal(*images.shape).to(where)).sum().backward()
        found = {key: p.grad.cpu() for key, p in generator.named_parameters() if p.grad is not None}
        of_each.append({"images": images.detach().cpu(), **found})
    expected, there = of_each
    assert there.keys() == expected.keys()
    for key, value in expected.items():
        assert (there[key] - value).norm() <= 1e-8 * value.norm() + 1e-12, key


@ON_EACH_DEVICE
@pytest.mark.parametrize("discriminator", ["gp_gan", "third_party"])
def test_an_exact_step_has_the_same_gradients(discriminator: str, device: str, tmp_path: Path) -> None:
    of_each = []
    for where in ("cpu", device):
        training = trainer(recipe_data("style", discriminator), tmp_path / where, device=where)
        _, metrics = training.advance()  # the first step has a gradient penalty
        gradients = {
            f"{player} {key}": p.grad.cpu()
            for player in ("generator", "discriminator")
            for key, p in getattr(training, player).named_parameters()
        }
        of_each.append((metrics, gradients))
    (expected, gradients), (metrics, there) = of_each
    assert metrics == pytest.approx(expected, rel=1e-3, abs=1e-5)
    for key, value in gradients.items():
        assert (there[key] - value).norm() <= 1e-3 * value.norm() + 1e-6, key
