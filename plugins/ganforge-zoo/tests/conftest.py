"""Checkpoints that the packages write, recipes that read them, and a server on this machine."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganforge import plugins
from ganforge.networks.staged import Discriminator, Generator
from ganforge.plan.build import build_network
from ganforge.plan.plan import Plan
from ganforge.plan.walk import walk
from ganforge.recipe.models import Recipe
from ganforge.registry import Components
from ganforge.testing.site import site

__all__ = ["site"]

RATE = {"kind": "constant", "rate": 0.01}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def as_if_trained(network: nn.Module, compute: Callable[[], object]) -> nn.Module:
    """In float64, with parameters and buffers that have left their first values: nothing is 0, 1 or uninitialised."""
    network.double().train()
    with torch.no_grad():
        _move(network, seed=1)
        for _ in range(3):  # so that singular vectors turn towards the largest value
            compute()
        _move(network, seed=2)  # as an optimizer does after the last pass
    return network.eval()


def _move(network: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    tensors = [*network.named_parameters(), *(pair for pair in network.named_buffers() if "running_" in pair[0])]
    for name, value in tensors:
        noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
        if "running_var" in name:
            value.copy_(noise.exp())
        elif value.dim() > 1 and "running_" not in name:
            value.add_(0.02 * noise)
        else:
            value.copy_(0.1 * noise + (1 if name.endswith("weight") else 0))


@pytest.fixture(scope="session")
def helpers() -> SimpleNamespace:
    return SimpleNamespace(normal=normal, as_if_trained=as_if_trained)


@pytest.fixture(scope="session")
def mimicry() -> SimpleNamespace:
    """The networks of torch-mimicry, without the rest of it, which imports TensorFlow."""
    spec = importlib.util.find_spec("torch_mimicry")
    if spec is None or spec.submodule_search_locations is None:
        pytest.skip("torch-mimicry is missing: pip install --no-deps torch-mimicry")
    if "torch_mimicry" not in sys.modules:
        package = ModuleType("torch_mimicry")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["torch_mimicry"] = package
    names = ("sngan", "cgan_pd", "cgan_pd.cgan_pd_128")  # the last is not among what its package exports
    modules = [vars(importlib.import_module(f"torch_mimicry.nets.{name}")) for name in names]
    return SimpleNamespace(
        **{k: v for module in modules for k, v in module.items() if k.startswith(("SNGAN", "CGANPD"))}
    )


@pytest.fixture(scope="session")
def biggan() -> ModuleType:
    return pytest.importorskip(
        "pytorch_pretrained_biggan", reason="pytorch-pretrained-biggan is missing: pip install it"
    )


@pytest.fixture(scope="session")
def components() -> Components:
    return plugins.load()


@pytest.fixture(scope="session")
def planned(components: Components) -> Callable[..., Plan]:
    """planned(resolution, generator={...}, discriminator={...}, source={...}, classes=3): a small recipe's plan."""

    def plan(resolution: int, classes: int = 3, wrong_labels: float = 0, **networks: dict[str, Any]) -> Plan:
        stem = {"conv_img": {"kind": "image_stem", "channels": 2}, "fc": {"kind": "logit_head"}}
        stage = {"name": "all", "steps": 1, "generator_rate": RATE, "discriminator_rate": RATE}
        data = {
            "name": "small",
            "resolution": resolution,
            "data": {"kind": "image_folder", "root": "images"},
            "generator": {"initialisation": {"kind": "published"}, **networks["generator"]},
            "discriminator": {
                "initialisation": {"kind": "published"},
                **networks.get("discriminator", {"blocks": stem}),
            },
            "training": {
                "batch": 2,
                "loss": {"kind": "hinge"},
                "sampler": {"kind": "balanced"},
                "optimizer": {"kind": "adam"},
                "wrong_labels": wrong_labels,
            },
            "stages": [stage],
            "source": networks.get("source"),
        }
        recipe = Recipe.model_validate(data, context={"components": components})
        return walk(recipe, tuple(f"class {k}" for k in range(classes)))

    return plan


@pytest.fixture(scope="session")
def built() -> Callable[[Plan], tuple[Generator, Discriminator]]:
    """Both networks of a plan, in float64."""

    def build(plan: Plan) -> tuple[Generator, Discriminator]:
        generator, discriminator = build_network(plan.generator, 0), build_network(plan.discriminator, 1)
        assert isinstance(generator, Generator) and isinstance(discriminator, Discriminator)
        return generator.double(), discriminator.double()

    return build
