"""What an exported folder says of its generator: enough to build it again, by components that are installed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import NonNegativeInt, ValidationError, model_validator

from ganforge.card import Card
from ganforge.errors import CheckpointError
from ganforge.interfaces import Side, Spec, Width
from ganforge.plan.plan import NetworkPlan
from ganforge.recipe.models import GeneratorSpec
from ganforge.recipe.providers import origins_of
from ganforge.registry import Components

FORMAT: Literal[1] = 1
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
MANIFEST = "manifest.json"


class GraphInputs(Spec):
    """What the graphs of an export take besides z and truncation, and how far they are from the network."""

    #: (height, width) of the noise maps, which lie one after the other in the input `noise`.
    noise_sides: tuple[tuple[int, int], ...] = ()
    #: Format -> largest difference of a pixel in [-1, 1], over all batches that were compared, and what was allowed.
    differences: dict[str, tuple[float, float]] = {}


class ExportConfig(Spec):
    """The content of config.json."""

    library_name: Literal["ganforge"] = "ganforge"
    format: Literal[1] = FORMAT
    version: str
    classes: tuple[str, ...]
    resolution: Side
    latent_dim: Width
    generator: GeneratorSpec
    #: For each of `generator.label`, the number of the block in front of which it enters (0: at the latent).
    sites: tuple[NonNegativeInt, ...]
    #: Kind of each component in `generator` -> the distribution that has it, with its version.
    components: dict[str, str]
    card: Card
    graph: GraphInputs | None = None

    @model_validator(mode="after")
    def _agrees(self) -> ExportConfig:
        for name, here, there in (
            ("classes", self.classes, self.card.classes),
            ("resolution", self.resolution, self.card.resolution),
            ("latent_dim", self.latent_dim, self.generator.latent_dim),
        ):
            if here != there:
                raise ValueError(f"`{name}` is {here} here and {there} there.")
        return self


def config_of(plan: NetworkPlan, card: Card, components: Components, version: str) -> ExportConfig:
    """The config of a generator that was built by the plan."""
    spec = plan.spec
    assert isinstance(spec, GeneratorSpec)
    spec = spec.model_copy(update={"pretrained": None})
    # a label that feeds the mapping network entered at the latent
    sites = tuple(0 if label.feeds_mapping else label.site for label in plan.labels)
    return ExportConfig(
        version=version,
        classes=card.classes,
        resolution=card.resolution,
        latent_dim=spec.latent_dim,
        generator=spec,
        sites=sites,
        components={kind: str(origin) for (_, kind), origin in origins_of(spec, components).items()},
        card=card,
    )


def read_config(data: Any, place: str, components: Components) -> ExportConfig:
    """The config in the data of a file. Raises CheckpointError with every problem, naming plugins that are missing."""
    if not isinstance(data, dict) or data.get("library_name") != "ganforge":
        raise CheckpointError(f"{place} is none that `ganforge export` wrote.")
    if data.get("format") != FORMAT:
        raise CheckpointError(
            f"{place} has format {data.get('format')}; this version of ganforge reads format {FORMAT}."
        )
    try:
        config = ExportConfig.model_validate(data, context={"components": components})
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        needed = data.get("components")
        if any("is called" in line for line in lines) and isinstance(needed, Mapping):
            lines.append(f"It was written with {', '.join(sorted({str(each) for each in needed.values()}))}.")
        raise CheckpointError(f"{place} can't be used:\n  " + "\n  ".join(lines)) from error
    if faults := _faults_of(config.classes):
        raise CheckpointError(f"{place} can't be used:\n  " + "\n  ".join(faults))
    return config


def _faults_of(classes: tuple[str, ...]) -> list[str]:
    """Names that are those of two classes, and names that no disk can hold, in words."""
    twice = [name for name, count in Counter(classes).items() if count > 1]
    odd = [name for name in classes if not _is_text(name)]
    return [f"classes: two are called {name!r}." for name in twice] + [f"classes: {name!a} is no text." for name in odd]


def _is_text(name: str) -> bool:
    """Also where it is no UTF-8: what the name of a folder may be."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # half of a character
        return False
    return True
