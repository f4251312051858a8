"""What the walk finds out about a recipe: shapes, sites, parameter names and who trains when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ganforge.interfaces import BlockSpec, Component, InjectionSpec
from ganforge.recipe.models import GeneratorSpec, LabelSite, NetworkSpec, Recipe
from ganforge.shapes import Shape

NetworkName = Literal["generator", "discriminator"]
NETWORKS: tuple[NetworkName, NetworkName] = ("generator", "discriminator")
#: Fields by which the spec of a block or of a mapping network says of how many classes the labels are that it reads.
CLASS_FIELDS = ("num_classes", "num_logits")


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
    def class_counts(self) -> dict[tuple[str, ...], int]:
        """How many classes of their own blocks and mapping network have, by the path of the field within the network.

        A part with one class reads no label, and is left out.
        """
        parts: dict[tuple[str, ...], Component] = {("blocks", key): block for key, block in self.blocks.items()}
        if isinstance(self.spec, GeneratorSpec) and self.spec.mapping is not None:
            parts["mapping",] = self.spec.mapping
        counts = {(*path, name): getattr(part, name, None) for path, part in parts.items() for name in CLASS_FIELDS}
        return {path: count for path, count in counts.items() if isinstance(count, int) and count > 1}

    @property
    def is_conditional(self) -> bool:
        """Whether the output depends on the label, by an injection or by a part with classes of its own."""
        return bool(self.labels or self.class_counts)

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
