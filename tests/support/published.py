"""The published networks at 128 px as block specs, in the order in which the paper's figures show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_gp_gan import DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS
from torch import nn

from ganforge.interfaces import BlockSpec
from ganforge.networks.mapping import MappingMLP
from ganforge.networks.staged import Discriminator, Generator
from ganforge.registry import Registry
from ganforge.shapes import Shape

Blocks = dict[str, dict[str, Any]]


def trunk(nf: int, first: int) -> Blocks:
    """Levels first..5 and the image head."""
    blocks: Blocks = {}
    for level in range(first, 6):
        if level:
            blocks[f"up_{level - 1}"] = {"kind": "upsample", "mode": "nearest"}
        for i in (0, 1):
            blocks[f"resnet_{level}_{i}"] = {"kind": "residual", "channels": GENERATOR_WIDTHS[level] * nf}
    return {**blocks, "conv_img": {"kind": "image_head"}}


def generator_blocks(nf: int, embedding: int, classes: int) -> Blocks:
    return {
        "embedding": {"kind": "class_embedding", "num_classes": classes, "dim": embedding},
        "fc": {"kind": "latent_to_grid", "channels": 16 * nf, "side": 4},
        **trunk(nf, first=0),
    }


def discriminator_blocks(nf: int, classes: int) -> Blocks:
    blocks: Blocks = {"conv_img": {"kind": "image_stem", "channels": nf}}
    width = nf
    for level, factor in enumerate(DISCRIMINATOR_WIDTHS):
        if level:
            blocks[f"pool_{level - 1}"] = {"kind": "average_pool"}
        blocks[f"resnet_{level}_0"] = {"kind": "residual", "channels": width}
        width = factor * nf
        blocks[f"resnet_{level}_1"] = {"kind": "residual", "channels": width}
    return {**blocks, "fc": {"kind": "logit_head", "num_logits": classes}}


def transfer_blocks(nf: int) -> Blocks:
    style = {"kind": "style", "channels": 8 * nf, "upsampling": "transposed", "residual_scale": 0.1}
    return {
        "fc": {"kind": "latent_to_grid", "channels": 8 * nf, "side": 4},
        "style_0": {**style, "clip_gradient": True},
        "style_1": {**style, "clip_gradient": True},
        "statistics": {"kind": "statistics_affine"},
        **trunk(nf, first=3),
    }


def built(registry: Registry[BlockSpec], blocks: Blocks, shape: Shape, style_dim: int = 0) -> Mapping[str, nn.Module]:
    """The modules, each built for the shape that the one before declares."""
    modules: dict[str, nn.Module] = {}
    for key, data in blocks.items():
        kind = registry.get(data["kind"])
        assert kind is not None
        spec = kind.model_validate(data)
        modules[key] = spec.build(shape, style_dim)
        shape = spec.out_shape(shape)
    return modules


def gp_gan(
    registry: Registry[BlockSpec], nf: int, z: int, embedding: int, classes: int
) -> tuple[Generator, Discriminator]:
    generator = Generator(z, built(registry, generator_blocks(nf, embedding, classes), Shape(z, 1, 1)))
    return generator, Discriminator(built(registry, discriminator_blocks(nf, classes), Shape(3, 128, 128)))


def transfer_generator(registry: Registry[BlockSpec], nf: int, z: int) -> Generator:
    """Style head, statistics affine, and a trunk whose residual blocks have an AdaFM."""
    modules = built(registry, transfer_blocks(nf), Shape(z, 1, 1), style_dim=z)
    for key, module in modules.items():
        if key.startswith("resnet_"):
            module.add_adafm()  # type: ignore[operator]
    return Generator(z, modules, MappingMLP(width=z).build(z))
