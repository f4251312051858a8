"""Both routes to the discriminator's gradients, and the folded upsampling, over random networks in float64."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from cases import ON_EACH_DEVICE, PROPERTY
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.blocks.pooling import (
    average_pool,
    pooled_bias_gradient,
    pooled_conv3,
    pooled_conv3_input_gradient,
    pooled_conv3_weight_gradient,
)
from ganforge.blocks.residual import ResidualBlock
from ganforge.blocks.specs import AveragePool, ImageStem, LogitHead, Residual
from ganforge.blocks.upsampling import upsample, upsampled_conv3
from ganforge.interfaces import BlockSpec, InjectionSpec, LossSpec, RegulariserSpec
from ganforge.networks.features import PretrainedFeatures
from ganforge.networks.injections import Add, Concatenate, ConcatenateMap, FiLM, Projection
from ganforge.networks.staged import Discriminator, PlacedInjection
from ganforge.shapes import Shape
from ganforge.testing.tensors import normal, randomise
from ganforge.training.logit_penalty import LeCam
from ganforge.training.piecewise import PiecewiseRoute
from ganforge.training.routes import AutogradRoute, Case, Judgement, Route
from ganforge.training.specs import BCE, R1, R2, Hinge, Wasserstein

CLASSES = 3


class Eyes(nn.Module):
    """A smooth network that sees images at given sides, two channels each."""

    def __init__(self, sides: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.sides = sides
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        randomise(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        h = torch.tanh(self.conv(images))
        return [nn.functional.adaptive_avg_pool2d(h, sides) for sides in self.sides]


@st.composite
def discriminators(draw: st.DrawFn) -> tuple[Discriminator, tuple[int, int]]:
    """A few residual blocks with pooling, AdaFM, any labels, pretrained features, and some parameters frozen."""
    shape = Shape(3, *draw(st.tuples(st.integers(4, 9), st.integers(4, 9))))
    specs: list[BlockSpec] = [ImageStem(channels=draw(st.integers(1, 4)), kernel=draw(st.sampled_from([3, 7])))]
    for _ in range(draw(st.integers(1, 3))):
        specs.append(Residual(channels=draw(st.integers(1, 4)), residual_scale=draw(st.sampled_from([0.1, 1.0]))))
        if draw(st.booleans()):
            specs.append(AveragePool())
    specs.append(LogitHead(num_logits=draw(st.sampled_from([1, CLASSES]))))
    shapes, blocks = [shape], {}
    for index, spec in enumerate(specs):
        if isinstance(spec, AveragePool) and min(shapes[-1].height, shapes[-1].width) < 2:
            continue
        blocks[f"block_{index}"] = spec.build(shapes[-1], 0)
        shapes.append(spec.out_shape(shapes[-1]))
    kinds: list[InjectionSpec] = [Concatenate(dim=2), ConcatenateMap(), Add(), FiLM(), Projection()]
    injections, extra = [], {}
    for number, how in enumerate(draw(st.lists(st.sampled_from(kinds), max_size=3))):
        sites = [
            site
            for site, block in enumerate(blocks.values())
            if how.target != "extra" or isinstance(block, ResidualBlock)
        ]
        site = draw(st.sampled_from(sites))
        placed = PlacedInjection(f"label_{number}", site, how.target)
        injections.append((placed, how.build(shapes[site], CLASSES)))
        extra[site] = extra.get(site, 0) + how.extra_channels()
    residual = [site for site, block in enumerate(blocks.values()) if isinstance(block, ResidualBlock)]
    seen_at = draw(st.lists(st.sampled_from(residual), unique=True, max_size=2))
    sides = [(shapes[site].height, shapes[site].width) for site in seen_at]
    features = PretrainedFeatures(lambda: Eyes(sides), {site: level for level, site in enumerate(seen_at)})
    for site in seen_at:
        extra[site] = extra.get(site, 0) + 2
    for site, block in enumerate(blocks.values()):
        if isinstance(block, ResidualBlock) and draw(st.booleans()):
            block.add_adafm()
        if extra.get(site):
            block.widen(extra[site])  # type: ignore[operator]
    network = Discriminator(blocks, injections, features if seen_at else None).double()
    randomise(network)
    frozen = draw(st.integers(0, len(blocks) - 1))
    for key in list(blocks)[:frozen]:
        getattr(network, key).requires_grad_(False)
    return network, (shape.height, shape.width)


class Held(BCE):
    """With a penalty that weighs more than the loss, and so changes the sign of some derivatives."""

    kind: Literal["held"] = "held"  # type: ignore[assignment]

    def discriminator_real(self, real: Tensor) -> Tensor:
        return super().discriminator_real(real) + self._penalty(real).real(real)

    def discriminator_fake(self, fake: Tensor) -> Tensor:
        return super().discriminator_fake(fake) + self._penalty(fake).fake(fake)

    def _penalty(self, logits: Tensor) -> LeCam:
        penalty = LeCam(weight=2.0, decay=0.9).to(logits)
        penalty.observe(logits.new_tensor([0.5]), logits.new_tensor([-0.25]))
        return penalty


def judged(
    route: type[Route],
    network: nn.Module,
    loss: LossSpec,
    due: Sequence[RegulariserSpec],
    images: Tensor,
) -> tuple[list[Judgement], dict[str, Tensor]]:
    """Of fakes with the penalties, and of one image less as real ones; on the device of the images."""
    network = copy.deepcopy(network).to(images.device)
    labels = torch.arange(len(images), device=images.device) % CLASSES
    found = route(
        network, torch.float64
    ).judge(  # type: ignore[arg-type]
        Case("fake", images, labels, loss.discriminator_fake, due, loss.generator),
        Case("real", images[1:].flip(3), labels[1:], loss.discriminator_real),
    )
    return found, {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@PROPERTY
@given(
    discriminators(),
    st.sampled_from([BCE(), Hinge(), Wasserstein(), Held()]),
    st.sampled_from([(), (R1(gamma=10.0),), (R1(gamma=1.0, every=4), R2(gamma=1000.0))]),
    st.integers(2, 3),
)
def test_the_piecewise_route_gives_the_gradients_of_autograd(
    drawn: tuple[Discriminator, tuple[int, int]], loss: LossSpec, due: tuple[RegulariserSpec, ...], num_images: int
) -> None:
    network, sides = drawn
    images = normal(num_images, 3, *sides)
    (plain, plain_real), by_autograd = judged(AutogradRoute, network, loss, due, images)
    (fast, fast_real), by_linearity = judged(PiecewiseRoute, network, loss, due, images)
    torch.testing.assert_close(fast.logits, plain.logits, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(fast_real.logits, plain_real.logits, rtol=1e-12, atol=1e-12)
    assert fast_real.image_gradient is None and plain_real.image_gradient is None
    torch.testing.assert_close(fast.image_gradient, plain.image_gradient, rtol=1e-8, atol=1e-12)
    if due:
        torch.testing.assert_close(fast.penalty, plain.penalty, rtol=1e-8, atol=0)
    assert by_linearity.keys() <= by_autograd.keys()
    for name, gradient in by_autograd.items():
        found = by_linearity.get(name, torch.zeros_like(gradient))
        assert (found - gradient).norm() <= 1e-8 * gradient.norm() + 1e-12, name


@ON_EACH_DEVICE
@pytest.mark.parametrize("route", [AutogradRoute, PiecewiseRoute])
@PROPERTY
@given(discriminators(), st.sampled_from([(), (R1(gamma=10.0),)]))
def test_a_device_and_a_memory_format_change_no_gradient(
    route: type[Route], device: str, drawn: tuple[Discriminator, tuple[int, int]], due: tuple[RegulariserSpec, ...]
) -> None:
    network, sides = drawn
    images = normal(3, 3, *sides)
    (expected, _), gradients = judged(route, network, BCE(), due, images)
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.to(device).contiguous(memory_format=torch.channels_last)
    (found, _), there = judged(route, network, BCE(), due, images)
    torch.testing.assert_close(found.image_gradient.cpu(), expected.image_gradient, rtol=1e-8, atol=1e-12)
    assert there.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert (there[name].cpu() - gradient).norm() <= 1e-8 * gradient.norm() + 1e-12, name


@PROPERTY
@given(
    discriminators(),
    st.sampled_from([AutogradRoute, PiecewiseRoute]),
    st.sampled_from([BCE(), Hinge()]),
    st.sampled_from([(), (R1(gamma=10.0),), (R2(gamma=1.0, every=4),)]),
    st.integers(1, 3),
)
def test_parts_of_a_batch_add_up_to_the_whole(
    drawn: tuple[Discriminator, tuple[int, int]],
    route: type[Route],
    loss: LossSpec,
    due: tuple[RegulariserSpec, ...],
    first: int,
) -> None:
    network, sides = drawn
    images, labels = normal(4, 3, *sides), torch.arange(4) % CLASSES
    found = []
    for parts in ([slice(0, 4)], [slice(0, first), slice(first, 4)]):
        copied = copy.deepcopy(network)
        judged = [
            route(copied, torch.float64).judge(
                Case("fake", images[at], labels[at], loss.discriminator_fake, due, loss.generator, batch_size=4)
            )[0]
            for at in parts
        ]
        penalties = [each.penalty for each in judged if each.penalty is not None]
        found.append(
            {name: p.grad for name, p in copied.named_parameters() if p.grad is not None}
            | {"images": torch.cat([each.image_gradient for each in judged if each.image_gradient is not None])}
            | ({"penalty": torch.stack(penalties).sum()} if due else {})
        )
    whole, added = found
    assert whole.keys() == added.keys()
    for name, gradient in whole.items():
        assert (added[name] - gradient).norm() <= 1e-10 * gradient.norm() + 1e-12, name


@PROPERTY
@given(discriminators(), st.sampled_from([(), (R1(gamma=10.0),)]))
def test_the_piecewise_route_computes_in_bfloat16(
    drawn: tuple[Discriminator, tuple[int, int]], due: tuple[RegulariserSpec, ...]
) -> None:
    network, sides = drawn
    network.float()
    labels = torch.arange(3) % CLASSES
    case = Case("real", normal(3, 3, *sides).float(), labels, BCE().discriminator_real, due)
    (found,) = PiecewiseRoute(network, torch.bfloat16).judge(case)
    assert found.logits.dtype == torch.float32
    assert all(p.grad.dtype == torch.float32 for p in network.parameters() if p.grad is not None)
    with torch.no_grad():
        exact = network(case.images, labels)
        with torch.autocast("cpu", torch.bfloat16):
            plain = network(case.images, labels).float()
    # in some networks large numbers cancel: then torch's own bfloat16 is as far off
    rounding = (plain - exact).norm() + 0.02 * exact.norm() + 0.01
    assert (found.logits - exact).norm() <= 4 * rounding


@PROPERTY
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
def test_pooling_folds_into_the_convolution_in_front_of_it(fan_in: int, fan_out: int, rows: int, columns: int) -> None:
    h = normal(2, fan_in, 2 * rows, 2 * columns).requires_grad_()
    weight = normal(fan_out, fan_in, 3, 3, seed=1).requires_grad_()
    bias = normal(fan_out, seed=2).requires_grad_()
    plain = average_pool(nn.functional.conv2d(h, weight, bias, padding=1))
    delta = normal(*plain.shape, seed=3)
    by_input, by_weight, by_bias = torch.autograd.grad(plain, (h, weight, bias), delta)
    h, weight, bias = h.detach(), weight.detach(), bias.detach()
    for found, expected in (
        (pooled_conv3(h, weight, bias[None]), plain),
        (pooled_conv3_input_gradient(delta, weight), by_input),
        (pooled_conv3_weight_gradient(delta, h), by_weight),
        (pooled_bias_gradient(delta).sum(0), by_bias),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@PROPERTY
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
def test_upsampling_folds_into_the_convolution_behind_it(fan_in: int, fan_out: int, height: int, width: int) -> None:
    h, weight = normal(2, fan_in, height, width), normal(fan_out, fan_in, 3, 3, seed=1)
    bias = normal(fan_out, seed=2)
    plain = nn.functional.conv2d(upsample(h, "nearest"), weight, bias, padding=1)
    torch.testing.assert_close(upsampled_conv3(h, weight, bias), plain, rtol=1e-12, atol=1e-12)
    block = ResidualBlock(fan_in, fan_out, 0.1).double()
    randomise(block)
    expected = block(upsample(h, "nearest"), Context())
    torch.testing.assert_close(block.forward_upsampled(h, Context()), expected, rtol=1e-12, atol=1e-12)
