"""From a checked network to a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from ganforge.networks.features import PretrainedFeatures
from ganforge.networks.staged import Discriminator, Generator, PlacedInjection, StagedNetwork
from ganforge.recipe.models import DiscriminatorSpec, GeneratorSpec

if TYPE_CHECKING:
    from ganforge.plan.plan import NetworkPlan


def build_network(plan: NetworkPlan, seed: int) -> StagedNetwork:
    """The network with its initial values, a function of the plan and the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the GPUs' generators too
        network = assemble(plan)
        plan.spec.initialisation.apply(network)
    return network


def parameter_sizes(plan: NetworkPlan) -> dict[str, int]:
    """Size of each parameter by name, from a build that allocates nothing."""
    with torch.device("meta"):
        return {name: parameter.numel() for name, parameter in assemble(plan).named_parameters()}


def tensor_names(plan: NetworkPlan) -> list[str]:
    """Names of all that is loaded: parameters, and buffers such as the statistics of a batch norm."""
    with torch.device("meta"):
        return list(assemble(plan).state_dict())


def assemble(plan: NetworkPlan) -> StagedNetwork:
    """The network as its modules' constructors leave it, on torch's default device."""
    blocks = {
        key: spec.build(shape, plan.style_dim)
        for (key, spec), shape in zip(plan.blocks.items(), plan.shapes, strict=False)
    }
    mapping = None
    if isinstance(plan.spec, GeneratorSpec) and plan.spec.mapping is not None:
        mapping = plan.spec.mapping.build(plan.spec.latent_dim)
    for key in sorted(plan.adafm):
        blocks[key].add_adafm()  # type: ignore[operator]
    _widen(plan, blocks, mapping)
    injections = [
        (
            PlacedInjection(label.name, label.site, label.spec.how.target, label.feeds_mapping),
            label.spec.how.build(plan.shapes[label.site], plan.num_classes),
        )
        for label in plan.labels
    ]
    if isinstance(plan.spec, GeneratorSpec):
        return Generator(plan.spec.latent_dim, blocks, mapping, injections)
    features = None
    if isinstance(plan.spec, DiscriminatorSpec) and plan.spec.features is not None:
        levels = {placed.site: placed.level for placed in plan.features}
        features = PretrainedFeatures(plan.spec.features.network.build, levels)
    return Discriminator(blocks, injections, features)


def _widen(plan: NetworkPlan, blocks: Mapping[str, nn.Module], mapping: nn.Module | None) -> None:
    keys = list(blocks)
    extra: dict[str, int] = {}
    extra_mapping = 0
    for label in plan.labels:
        channels = label.spec.how.extra_channels() if label.spec.how.target == "extra" else 0
        if channels:
            extra[keys[label.site]] = extra.get(keys[label.site], 0) + channels
            extra_mapping += channels if label.feeds_mapping else 0
    for placed in plan.features:
        extra[keys[placed.site]] = extra.get(keys[placed.site], 0) + placed.channels
    for key, channels in extra.items():
        blocks[key].widen(channels)  # type: ignore[operator]
    if mapping is not None and extra_mapping:
        mapping.widen(extra_mapping)  # type: ignore[operator]
