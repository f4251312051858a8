"""The library's blocks compute the published networks, number by number."""

import pytest
import torch
from cases import components, randomise
from published import gp_gan, transfer_generator
from reference_gp_gan import gp_gan_discriminator, gp_gan_generator
from reference_gp_gan import transfer_generator as reference_transfer_generator
from torch import Tensor, nn

from ganforge.blocks.base import Context
from ganforge.blocks.style import AdaIN
from ganforge.networks.staged import Generator
from ganforge.shapes import Shape

NF, Z, EMBEDDING, CLASSES = 1, 5, 4, 3


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def calm(network: nn.Module) -> None:
    """Random weights that keep the image away from the ends of tanh, where all networks look alike."""
    randomise(network)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.startswith("conv_img"):
                parameter.mul_(0.02)


def assert_equal(found: Tensor, expected: Tensor) -> None:
    assert found.shape == expected.shape
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


def test_the_generator_is_the_published_one() -> None:
    generator, _ = gp_gan(components()["block"], NF, Z, EMBEDDING, CLASSES)
    calm(generator.double())
    z, labels = normal(3, Z), torch.tensor([0, 2, 1])
    assert_equal(generator(z, labels), gp_gan_generator(generator.state_dict(), z, labels))


def test_the_discriminator_is_the_published_one() -> None:
    _, discriminator = gp_gan(components()["block"], NF, Z, EMBEDDING, CLASSES)
    randomise(discriminator.double())
    images, labels = normal(3, 3, 128, 128), torch.tensor([0, 2, 1])
    assert_equal(discriminator(images, labels), gp_gan_discriminator(discriminator.state_dict(), images, labels))


def test_the_transfer_generator_is_the_published_one() -> None:
    generator = transfer_generator(components()["block"], NF, Z)
    calm(generator.double())
    z = normal(2, Z)
    maps = {side: [normal(2, 1, side, side, seed=side + i) for i in (0, 1)] for side in (8, 16)}
    queue = [noise for side in (8, 16) for noise in maps[side]]
    found = generator(z, None, Context(noise=lambda height, width: queue.pop(0)))
    assert not queue
    assert_equal(found, reference_transfer_generator(generator.state_dict(), z, maps))


def test_the_gradient_of_the_transfer_generator_is_the_published_one() -> None:
    generator = transfer_generator(components()["block"], NF, Z)
    calm(generator.double())
    z = normal(2, Z)
    maps = {side: [normal(2, 1, side, side, seed=side + i) for i in (0, 1)] for side in (8, 16)}
    queue = [noise for side in (8, 16) for noise in maps[side]]
    generator(z, None, Context(noise=lambda height, width: queue.pop(0))).square().sum().backward()
    weights = {name: value.detach().requires_grad_() for name, value in generator.named_parameters()}
    reference_transfer_generator(weights, z, maps).square().sum().backward()
    for name, parameter in generator.named_parameters():
        torch.testing.assert_close(parameter.grad, weights[name].grad, rtol=1e-8, atol=1e-8, msg=name)


def test_clipping_the_gradient_of_adain_changes_only_what_reaches_its_input() -> None:
    found = []
    for clip_gradient in (True, False):
        norm = AdaIN(3, 2, clip_gradient)
        randomise(norm.double())
        norm.style.bias.data[:3] = 5.0
        h = normal(2, 3, 4, 4).requires_grad_()
        out = norm(h, normal(2, 2))
        out.square().sum().backward()
        found.append((out.detach(), norm.style.weight.grad, h.grad))
    (clipped, sigma_clipped, h_clipped), (plain, sigma_plain, h_plain) = found
    torch.testing.assert_close(clipped, plain, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(sigma_clipped, sigma_plain, rtol=1e-10, atol=1e-10)
    assert h_clipped is not None and h_plain is not None
    assert h_clipped.abs().sum() < h_plain.abs().sum()


@pytest.mark.parametrize("normalise", [True, False])
def test_a_class_embedding_has_unit_length_only_where_it_is_asked_for(normalise: bool) -> None:
    spec = components()["block"].get("class_embedding")(num_classes=3, dim=4, normalise=normalise)
    module = spec.build(Shape(Z, 1, 1), 0)
    randomise(module)
    out = module(torch.zeros(3, Z, 1, 1), Context(labels=torch.arange(3)))[:, Z:, 0, 0]
    lengths = out.norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones(3) if normalise else module.weight.norm(dim=1))


def test_one_class_has_the_same_embedding_for_all_labels() -> None:
    spec = components()["block"].get("class_embedding")(num_classes=1, dim=4)
    module = spec.build(Shape(Z, 1, 1), 0)
    randomise(module)
    generator = Generator(Z, {"embedding": module})
    assert not generator.is_conditional
    z = normal(3, Z).float()
    for labels in (None, torch.zeros(3, dtype=torch.int64), torch.tensor([0, 4, 2])):
        out = module(z[:, :, None, None], Context(labels=labels))[:, Z:, 0, 0]
        torch.testing.assert_close(out, nn.functional.normalize(module.weight, dim=1).expand(3, -1))
