"""Plain implementations of published networks, written from their description alone, as oracles.

GP-GAN: Mescheder, Geiger & Nowozin 2018. Transfer generator: Zhao, Cong & Carin 2020. Each is a function of a
state dict, so that nothing but the names of the weights is shared with the library.
"""

# N batch, Z latent, W style

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import torch
from torch import Tensor
from torch.nn import functional as F

#: Widths of the six levels in units of nf.
GENERATOR_WIDTHS = (16, 16, 8, 4, 2, 1)
DISCRIMINATOR_WIDTHS = (2, 4, 8, 16, 16, 16)
Weights = Mapping[str, Tensor]


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def residual(x: Tensor, weights: Weights, key: str) -> Tensor:
    """x (or its 1x1 projection) + 0.1 * two convolutions, each behind a leaky ReLU; AdaFM where there is one."""
    banks = []
    for i in (0, 1):
        bank = weights[f"{key}.conv_{i}.weight"]
        if f"{key}.adafm_{i}.gamma" in weights:
            bank = weights[f"{key}.adafm_{i}.gamma"] * bank + weights[f"{key}.adafm_{i}.beta"]
        banks.append(bank)
    h = F.conv2d(lrelu(x), banks[0], weights[f"{key}.conv_0.bias"], padding=1)
    h = F.conv2d(lrelu(h), banks[1], weights[f"{key}.conv_1.bias"], padding=1)
    shortcut = F.conv2d(x, weights[f"{key}.conv_s.weight"]) if f"{key}.conv_s.weight" in weights else x
    return shortcut + 0.1 * h


def double_side(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def halve_side(x: Tensor) -> Tensor:
    """Mean over 3x3 pixels at every other place; outside the picture there are zeros, which count."""
    pooling = torch.full((x.shape[1], 1, 3, 3), 1 / 9, dtype=x.dtype)
    return F.conv2d(x, pooling, stride=2, padding=1, groups=x.shape[1])


def logit_of_class(h: Tensor, weights: Weights, labels: Tensor) -> Tensor:
    """(N,): behind a leaky ReLU one logit for each class, of which that of the sample's own comes out."""
    logits = lrelu(h.reshape(len(h), -1)) @ weights["fc.weight"].T + weights["fc.bias"]
    return torch.stack([row[label] for row, label in zip(logits, labels, strict=True)])


def trunk(h: Tensor, weights: Weights, first: int) -> Tensor:
    """Levels first..5 of the generator, with nearest-neighbour upsampling between them, then the image."""
    for level in range(first, 6):
        h = h if level == first else double_side(h)
        h = residual(residual(h, weights, f"resnet_{level}_0"), weights, f"resnet_{level}_1")
    return torch.tanh(F.conv2d(lrelu(h), weights["conv_img.weight"], weights["conv_img.bias"], padding=1))


def gp_gan_generator(weights: Weights, z: Tensor, labels: Tensor) -> Tensor:
    """(N, Z), (N,) -> (N, 3, 128, 128); the label embedding has unit length."""
    embedding = weights["embedding.weight"][labels]
    embedding = embedding / embedding.square().sum(dim=1, keepdim=True).sqrt()
    flat = torch.cat([z, embedding], dim=1) @ weights["fc.weight"].T + weights["fc.bias"]
    return trunk(flat.reshape(len(z), -1, 4, 4), weights, first=0)


def gp_gan_discriminator(weights: Weights, images: Tensor, labels: Tensor) -> Tensor:
    """(N, 3, 128, 128), (N,) -> (N,): the logit of the sample's class."""
    h = F.conv2d(images, weights["conv_img.weight"], weights["conv_img.bias"], padding=1)
    for level in range(6):
        h = halve_side(h) if level else h
        h = residual(residual(h, weights, f"resnet_{level}_0"), weights, f"resnet_{level}_1")
    return logit_of_class(h, weights, labels)


def mapping(z: Tensor, weights: Weights) -> Tensor:
    """z of unit root mean square, then eight fully connected layers."""
    w = torch.stack([row / sqrt(float((row * row).mean()) + 1e-8) for row in z])
    for i in range(8):
        w = lrelu(w @ weights[f"mapping.fc_{i}.weight"].T + weights[f"mapping.fc_{i}.bias"])
    return w


def adain(x: Tensor, w: Tensor, weights: Weights, key: str) -> Tensor:
    """sigma(w) * (x - mean) / sd + mu(w), per sample and channel; the gradient of x has sigma cut to [-1, 1]."""
    style = w @ weights[f"{key}.style.weight"].T + weights[f"{key}.style.bias"]
    sigma, mu = style[:, : x.shape[1], None, None], style[:, x.shape[1] :, None, None]
    centred = x - x.mean(dim=(2, 3), keepdim=True)
    x = centred / (centred.square().mean(dim=(2, 3), keepdim=True) + 1e-5).sqrt()
    return sigma * x.detach() + sigma.detach().clamp(-1, 1) * (x - x.detach()) + mu


def style_block(x: Tensor, w: Tensor, noise: list[Tensor], weights: Weights, key: str) -> Tensor:
    """Transposed convolution, noise, AdaIN, convolution, noise, AdaIN; x 0.1, beside a transposed shortcut."""
    shortcut = F.conv_transpose2d(x, weights[f"{key}.conv_s.weight"], stride=2, padding=1)
    h = F.conv_transpose2d(lrelu(x), weights[f"{key}.conv_0.weight"], weights[f"{key}.conv_0.bias"], 2, 1)
    h = adain(h + weights[f"{key}.noise_0.weight"] * noise[0], w, weights, f"{key}.adain_0")
    h = F.conv2d(lrelu(h), weights[f"{key}.conv_1.weight"], weights[f"{key}.conv_1.bias"], padding=1)
    return shortcut + 0.1 * adain(h + weights[f"{key}.noise_1.weight"] * noise[1], w, weights, f"{key}.adain_1")


def statistics(x: Tensor, weights: Weights, key: str) -> Tensor:
    """Layer norm over the pixels of each channel, then 0.01 * x + stop_gradient(x) * w + b."""
    centred = x - x.mean(dim=(2, 3), keepdim=True)
    x = centred / (centred.square().mean(dim=(2, 3), keepdim=True) + 1e-5).sqrt()
    x = x * weights[f"{key}.norm.weight"] + weights[f"{key}.norm.bias"]
    return 0.01 * x + x.detach() * weights[f"{key}.weight"] + weights[f"{key}.beta"]


def transfer_generator(weights: Weights, z: Tensor, noise: Mapping[int, list[Tensor]]) -> Tensor:
    """(N, Z) -> (N, 3, 128, 128); noise: side -> the two maps (N, 1, side, side) of the style block there."""
    w = mapping(z, weights)
    h = (z @ weights["fc.weight"].T + weights["fc.bias"]).reshape(len(z), -1, 4, 4)
    h = style_block(h, w, noise[8], weights, "style_0")
    h = style_block(h, w, noise[16], weights, "style_1")
    return trunk(double_side(statistics(h, weights, "statistics")), weights, first=3)


def residual_keys(key: str, fin: int, fout: int) -> dict[str, tuple[int, ...]]:
    hidden = min(fin, fout)
    keys: dict[str, tuple[int, ...]] = {
        f"{key}.conv_0.weight": (hidden, fin, 3, 3),
        f"{key}.conv_0.bias": (hidden,),
        f"{key}.conv_1.weight": (fout, hidden, 3, 3),
        f"{key}.conv_1.bias": (fout,),
    }
    return keys if fin == fout else {**keys, f"{key}.conv_s.weight": (fout, fin, 1, 1)}


def generator_keys(nf: int = 64, z: int = 256, embedding: int = 256, classes: int = 1000) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published generator."""
    width = 16 * nf
    keys = {
        "embedding.weight": (classes, embedding),
        "fc.weight": (width * 16, z + embedding),
        "fc.bias": (width * 16,),
    }
    for level, factor in enumerate(GENERATOR_WIDTHS):
        keys |= residual_keys(f"resnet_{level}_0", width, factor * nf)
        keys |= residual_keys(f"resnet_{level}_1", factor * nf, factor * nf)
        width = factor * nf
    return {**keys, "conv_img.weight": (3, nf, 3, 3), "conv_img.bias": (3,)}


def discriminator_keys(nf: int = 64, classes: int = 1000) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published discriminator."""
    width, keys = nf, {"conv_img.weight": (nf, 3, 3, 3), "conv_img.bias": (nf,)}
    for level, factor in enumerate(DISCRIMINATOR_WIDTHS):
        keys |= residual_keys(f"resnet_{level}_0", width, width)
        keys |= residual_keys(f"resnet_{level}_1", width, factor * nf)
        width = factor * nf
    return {**keys, "fc.weight": (classes, width * 16), "fc.bias": (classes,)}
