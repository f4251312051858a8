"""Plain implementations of the celebA, LSUN and celebA-HQ networks of GAN_stability, as oracles.

Mescheder, Geiger & Nowozin 2018, in the layouts of the published files. Each is a function of a state dict under its
published names, of any width: nothing is shared with the library.
"""

# N batch, Z latent

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from reference_gp_gan import Weights, double_side, halve_side, logit_of_class, lrelu, residual, residual_keys
from torch import Tensor
from torch.nn import functional as F

Keys = dict[str, tuple[int, ...]]


def _first_grid(weights: Weights, z: Tensor, embedding: Tensor) -> Tensor:
    flat = torch.cat([z, embedding], dim=1) @ weights["fc.weight"].T + weights["fc.bias"]
    return flat.reshape(len(z), -1, 4, 4)


def _to_image(h: Tensor, weights: Weights, padding: int) -> Tensor:
    return torch.tanh(F.conv2d(lrelu(h), weights["conv_img.weight"], weights["conv_img.bias"], padding=padding))


def _from_image(images: Tensor, weights: Weights, padding: int) -> Tensor:
    return F.conv2d(images, weights["conv_img.weight"], weights["conv_img.bias"], padding=padding)


def celeba_generator(weights: Weights, z: Tensor, labels: Tensor) -> Tensor:
    """(N, Z), (N,) -> (N, 3, 256, 256): a block at each of seven sides; the embedding has any length."""
    h = _first_grid(weights, z, weights["embedding.weight"][labels])
    h = residual(h, weights, "resnet_0_0")
    for level in range(1, 7):
        h = residual(double_side(h), weights, f"resnet_{level}_0")
    return _to_image(h, weights, padding=3)


def celeba_discriminator(weights: Weights, images: Tensor, labels: Tensor) -> Tensor:
    """(N, 3, 256, 256), (N,) -> (N,)."""
    h = residual(_from_image(images, weights, padding=3), weights, "resnet_0_0")
    for level in range(1, 7):
        h = residual(halve_side(h), weights, f"resnet_{level}_0")
    return logit_of_class(h, weights, labels)


def lsun_generator(weights: Weights, z: Tensor, labels: Tensor) -> Tensor:
    """(N, Z), (N,) -> (N, 3, 256, 256): no block at the largest side; the embedding has any length."""
    h = _first_grid(weights, z, weights["embedding.weight"][labels])
    for level in range(6):
        h = double_side(residual(h, weights, f"resnet_{level}_0"))
    return _to_image(h, weights, padding=3)


def lsun_discriminator(weights: Weights, images: Tensor, labels: Tensor) -> Tensor:
    """(N, 3, 256, 256), (N,) -> (N,)."""
    h = _from_image(images, weights, padding=3)
    for level in range(6):
        h = residual(halve_side(h), weights, f"resnet_{level}_0")
    return logit_of_class(h, weights, labels)


def celeba_hq_generator(weights: Weights, z: Tensor, labels: Tensor) -> Tensor:
    """(N, Z), (N,) -> (N, 3, 1024, 1024): nine blocks at the even places of a list; the embedding has unit length."""
    embedding = weights["embedding.weight"][labels]
    h = _first_grid(weights, z, embedding / embedding.square().sum(dim=1, keepdim=True).sqrt())
    for place in range(17):
        h = double_side(h) if place % 2 else residual(h, weights, f"resnet.{place}")
    return _to_image(h, weights, padding=1)


def celeba_hq_discriminator(weights: Weights, images: Tensor, labels: Tensor) -> Tensor:
    """(N, 3, 1024, 1024), (N,) -> (N,)."""
    h = _from_image(images, weights, padding=1)
    for place in range(17):
        h = halve_side(h) if place % 2 else residual(h, weights, f"resnet.{place}")
    return logit_of_class(h, weights, labels)


@dataclass(frozen=True)
class Published:
    """Both networks of a published file."""

    resolution: int
    #: Width of the published networks.
    nf: int
    #: Widths in units of nf: what `fc` gives and what each block gives.
    generator_widths: Sequence[int]
    #: What `conv_img` gives and what each block gives.
    discriminator_widths: Sequence[int]
    #: Name of a block by its number.
    block: Callable[[int], str]
    kernel: int
    generator: Callable[[Weights, Tensor, Tensor], Tensor]
    discriminator: Callable[[Weights, Tensor, Tensor], Tensor]

    def generator_keys(self, nf: int | None = None, z: int = 256) -> Keys:
        """Names and shapes; one class, an embedding of one number."""
        widths = [factor * (nf or self.nf) for factor in self.generator_widths]
        keys: Keys = {"embedding.weight": (1, 1), "fc.weight": (16 * widths[0], z + 1), "fc.bias": (16 * widths[0],)}
        keys |= self._blocks(widths)
        return {**keys, "conv_img.weight": (3, widths[-1], self.kernel, self.kernel), "conv_img.bias": (3,)}

    def discriminator_keys(self, nf: int | None = None) -> Keys:
        """Names and shapes; one class."""
        widths = [factor * (nf or self.nf) for factor in self.discriminator_widths]
        keys: Keys = {"conv_img.weight": (widths[0], 3, self.kernel, self.kernel), "conv_img.bias": (widths[0],)}
        keys |= self._blocks(widths)
        return {**keys, "fc.weight": (1, 16 * widths[-1]), "fc.bias": (1,)}

    def _blocks(self, widths: Sequence[int]) -> Keys:
        keys: Keys = {}
        for number in range(len(widths) - 1):
            keys |= residual_keys(self.block(number), widths[number], widths[number + 1])
        return keys


#: By the name of the recipe in recipes/sources.
PUBLISHED = {
    "celeba_cgan": Published(
        256,
        64,
        (16, 16, 16, 8, 4, 2, 1, 1),
        (1, 1, 2, 4, 8, 16, 16, 16),
        "resnet_{}_0".format,
        7,
        celeba_generator,
        celeba_discriminator,
    ),
    "lsun_cgan": Published(
        256,
        64,
        (32, 16, 16, 8, 4, 2, 1),
        (1, 2, 4, 8, 16, 16, 32),
        "resnet_{}_0".format,
        7,
        lsun_generator,
        lsun_discriminator,
    ),
    "celeba_hq_cgan": Published(
        1024,
        16,
        (32, 32, 32, 32, 16, 8, 4, 2, 1, 1),
        (1, 1, 2, 4, 8, 16, 32, 32, 32, 32),
        lambda number: f"resnet.{2 * number}",
        3,
        celeba_hq_generator,
        celeba_hq_discriminator,
    ),
}
