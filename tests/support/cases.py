"""Small recipes, networks and images that many tests start from."""

from __future__ import annotations

import copy
import os
from functools import cache
from typing import Any

import ganforge_stub
import numpy as np
import pytest
import torch
from hypothesis import settings
from torch import nn

from ganforge import builtin, plugins
from ganforge.data.images import DatasetCard, LabelledImages
from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.build import build_network
from ganforge.plan.plan import Plan
from ganforge.plan.walk import walk
from ganforge.recipe.models import Recipe
from ganforge.registry import Components, Origin

#: Properties run on this many examples; GANFORGE_EXAMPLES=1000 looks longer.
PROPERTY = settings(deadline=None, max_examples=int(os.environ.get("GANFORGE_EXAMPLES", "25")))
#: For properties that train.
SLOW_PROPERTY = settings(PROPERTY, max_examples=max(1, PROPERTY.max_examples // 3))

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
#: Of tests with a parameter `device`.
ON_EACH_DEVICE = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])

#: Generators of 8 px. Keys of blocks are those of GP-GAN where they mean the same.
GENERATORS: dict[str, dict[str, Any]] = {
    "gp_gan": {
        "latent_dim": 4,
        "blocks": {
            "fc": {"kind": "latent_to_grid", "channels": 4, "side": 4},
            "resnet_0_0": {"kind": "residual", "channels": 4},
            "up_0": {"kind": "upsample"},
            "resnet_1_0": {"kind": "residual", "channels": 3},
            "conv_img": {"kind": "image_head"},
        },
    },
    "style": {
        "latent_dim": 4,
        "mapping": {"kind": "mapping_mlp", "depth": 2, "width": 3},
        "blocks": {
            "norm": {"kind": "pixel_norm"},
            "fc": {"kind": "latent_to_grid", "channels": 4, "side": 2},
            "style_0": {"kind": "style", "channels": 4, "upsampling": "bilinear"},
            "style_1": {"kind": "style", "channels": 3, "upsampling": "nearest", "residual_scale": 1.0},
            "conv_img": {"kind": "image_head"},
        },
    },
    "transfer": {
        "latent_dim": 4,
        "mapping": {"kind": "mapping_mlp", "depth": 2, "width": 3},
        "blocks": {
            "fc": {"kind": "latent_to_grid", "channels": 4, "side": 2},
            "style_0": {"kind": "style", "channels": 4, "upsampling": "transposed", "residual_scale": 0.1},
            "statistics": {"kind": "statistics_affine", "gain": 2.0},
            "up_0": {"kind": "upsample"},
            "resnet_0_0": {"kind": "residual", "channels": 3},
            "conv_img": {"kind": "image_head"},
        },
        "adafm": ["resnet_*"],
    },
}

#: Discriminators of 8 px.
DISCRIMINATORS: dict[str, dict[str, Any]] = {
    "gp_gan": {
        "blocks": {
            "conv_img": {"kind": "image_stem", "channels": 3},
            "resnet_0_0": {"kind": "residual", "channels": 4},
            "pool_0": {"kind": "average_pool"},
            "resnet_1_0": {"kind": "residual", "channels": 4},
            "fc": {"kind": "logit_head"},
        }
    },
    "third_party": {
        "blocks": {
            "conv_img": {"kind": "image_stem", "channels": 3},
            "pool_0": {"kind": "average_pool"},
            "gate_0": {"kind": "stub_gate", "channels": 4},
            "fc": {"kind": "logit_head"},
        }
    },
}


@cache
def components() -> Components:
    """The core's components and those of the stub plugin; other installed plugins are left out."""
    found = Components()
    plugins.register(found, builtin, Origin("builtin", "ganforge", "0"))
    plugins.register(found, ganforge_stub, Origin("stub", "ganforge-stub", "0.0.1"))
    return found


def stage(name: str = "all", steps: int = 4, rate: float = 0.01, **rules: Any) -> dict[str, Any]:
    """A stage at one constant rate; rules: `generator=[{"freeze": "fc.*"}]`."""
    constant = {"kind": "constant", "rate": rate}
    return {"name": name, "steps": steps, "generator_rate": constant, "discriminator_rate": constant, **rules}


def recipe_data(generator: str = "gp_gan", discriminator: str = "gp_gan") -> dict[str, Any]:
    """A recipe of 8 px and two classes as plain data, free to be changed."""
    published = {"initialisation": {"kind": "published"}}
    return {
        "name": "tiny",
        "resolution": 8,
        "data": {"kind": "stub_stripes", "images": 12},
        "generator": {**copy.deepcopy(GENERATORS[generator]), **published},
        "discriminator": {**copy.deepcopy(DISCRIMINATORS[discriminator]), **published},
        "training": {
            "batch": 3,
            "loss": {"kind": "bce"},
            "regularisers": [{"kind": "r1", "gamma": 1.0, "every": 2}],
            "sampler": {"kind": "balanced"},
            "optimizer": {"kind": "adam"},
            "ema": 0.9,
            "step": "exact",
        },
        "stages": [stage()],
        "output": {"metrics_every": 1, "samples_every": 2, "checkpoints_every": 2, "columns": 2},
    }


def planned(data: dict[str, Any]) -> Plan:
    """The plan of a recipe given as plain data. Raises ValidationError or RecipeError."""
    return walk(Recipe.model_validate(data, context={"components": components()}))


def networks(plan: Plan, seed: int = 0, *, double: bool = False) -> tuple[Generator, Discriminator]:
    """Both networks with their first values."""
    generator, discriminator = build_network(plan.generator, seed), build_network(plan.discriminator, seed + 1)
    assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
    return (generator.double(), discriminator.double()) if double else (generator, discriminator)


def randomise(module: nn.Module, seed: int = 0) -> None:
    """Draw all parameters from N(0, 0.5)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))


def images(num_images: int = 12, resolution: int = 8, num_classes: int = 2) -> LabelledImages:
    """Random pixels; the same for the same arguments."""
    pixels = np.random.default_rng(0).integers(0, 256, (num_images, 3, resolution, resolution), dtype=np.uint8)
    labels = np.arange(num_images, dtype=np.int64) % num_classes
    names = [str(index) for index in range(num_images)]
    card = DatasetCard("random", tuple(f"class {k}" for k in range(num_classes)), "CC0-1.0", "none", True, "0")
    return LabelledImages(pixels, labels, names, names, card)
