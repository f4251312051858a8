"""What the walk finds out about a recipe: shapes, sites, parameter names and who trains when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ganforge.interfaces import BlockSpec, InjectionSpec
from ganforge.recipe.models import LabelSite, NetworkSpec, Recipe
from ganforge.shapes import Shape

NetworkName = Literal["generator", "discriminator"]
NETWORKS: tuple[NetworkName, NetworkName] = ("generator", "discriminator")


@dataclass(frozen=True)
class PlacedLabel:
    """A label site of the recipe with the number of the block in front of which it acts."""

    name: str
    site: int
    feeds_mapping: bool
    spec: LabelSite


@dataclass(frozen=True)
class PlacedFeatures:
    """Output `level` of the discriminator's pretrained network, which joins the input of block `site`."""

    site: int
    level: int
    channels: int


@dataclass(frozen=True)
class NetworkPlan:
    """A checked network."""

    name: NetworkName
    spec: NetworkSpec
    blocks: Mapping[str, BlockSpec]
    #: len(blocks) + 1 shapes: the input, and what each block gives.
    shapes: tuple[Shape, ...]
    style_dim: int
    adafm: frozenset[str]
    labels: tuple[PlacedLabel, ...]
    num_classes: int
    #: Size of each parameter by name, in the network's order.
    sizes: Mapping[str, int]
    #: For each stage, by name: whether each parameter trains.
    trains: tuple[Mapping[str, bool], ...]
    features: tuple[PlacedFeatures, ...] = ()

    @property
    def not_piecewise_linear(self) -> tuple[str, ...]:
        """Names of blocks and injections that don't declare `piecewise_linear`."""
        parts: dict[str, BlockSpec | InjectionSpec] = {**self.blocks}
        parts |= {label.name: label.spec.how for label in self.labels}
        return tuple(name for name, spec in parts.items() if not spec.piecewise_linear)

    @property
    def num_parameters(self) -> int:
        return sum(self.sizes.values())


@dataclass(frozen=True)
class Plan:
    """A checked recipe."""

    recipe: Recipe
    classes: tuple[str, ...]
    generator: NetworkPlan
    discriminator: NetworkPlan

    def network(self, name: NetworkName) -> NetworkPlan:
        return self.generator if name == "generator" else self.discriminator
