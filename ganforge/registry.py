"""Components by name: where each came from, and the recipe fields that look them up late."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from ganforge import interfaces
from ganforge.errors import PluginError, did_you_mean
from ganforge.interfaces import Component

S = TypeVar("S", bound=Component)

#: Kind of component -> its base class. The hook is called `ganforge_` + the plural.
FAMILIES: dict[str, type[Component]] = {
    "block": interfaces.BlockSpec,
    "mapping": interfaces.MappingSpec,
    "depth": interfaces.DepthSpec,
    "injection": interfaces.InjectionSpec,
    "feature_network": interfaces.FeatureNetworkSpec,
    "initialisation": interfaces.InitialisationSpec,
    "dataset": interfaces.DatasetSpec,
    "sampler": interfaces.SamplerSpec,
    "source": interfaces.SourceSpec,
    "evaluator": interfaces.EvaluatorSpec,
    "extractor": interfaces.ExtractorSpec,
    "loss": interfaces.LossSpec,
    "regulariser": interfaces.RegulariserSpec,
    "logit_penalty": interfaces.LogitPenaltySpec,
    "augmentation": interfaces.AugmentationSpec,
    "optimizer": interfaces.OptimizerSpec,
    "rate": interfaces.RateSpec,
    "tracker": interfaces.TrackerSpec,
}

#: What a component's JSON schema refers to until `ganforge.recipe.schema` puts the registered specs there. A URL,
#: since pydantic refuses all other references that it did not make itself.
COMPONENT_REF = "https://ganforge.invalid/"


def hook_name(family: str) -> str:
    """`ganforge_blocks` for `block`, `ganforge_losses` for `loss`, `ganforge_logit_penalties` for `logit_penalty`."""
    if family.endswith("y"):
        return f"ganforge_{family[:-1]}ies"
    return f"ganforge_{family}{'es' if family.endswith('s') else 's'}"


@dataclass(frozen=True)
class Origin:
    """The plugin that brought a component."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()


def source_location(spec: type[Component]) -> str:
    """`path/to/file.py:12`, where the spec is defined."""
    try:
        return f"{inspect.getsourcefile(spec)}:{inspect.getsourcelines(spec)[1]}"
    except (OSError, TypeError):
        return "unknown"


class Registry(Generic[S]):
    """The components of one family, by name."""

    def __init__(self, family: str, base: type[S]) -> None:
        self.family = family
        self.base = base
        self._entries: dict[str, tuple[type[S], Origin]] = {}

    def add(self, spec: type[S], origin: Origin) -> None:
        """Raises PluginError for a class of another family, without a name, or with a name that is taken."""
        if not (inspect.isclass(spec) and issubclass(spec, self.base)):
            raise PluginError(
                f"{origin}: {hook_name(self.family)} returned {spec!r}, which is no subclass of {self.base.__name__}."
            )
        if missing := sorted(getattr(spec, "__abstractmethods__", ())):
            raise PluginError(f"{origin}: {spec.__name__} ({source_location(spec)}) lacks {', '.join(missing)}.")
        name = spec.kind_name()
        if not name.isidentifier() or not name.islower():
            raise PluginError(
                f"{origin}: the name of {spec.__name__} ({source_location(spec)}) must be given as "
                f'`kind: Literal["some_name"] = "some_name"`, lower case with underscores.'
            )
        if not isinstance(spec.papers, tuple) or not all(isinstance(paper, str) for paper in spec.papers):
            raise PluginError(
                f"{origin}: `papers` of {spec.__name__} ({source_location(spec)}) must be a tuple of texts, such as "
                f'`("Hu, Shen & Sun 2018",)`, but is {spec.papers!r}.'
            )
        if name in self._entries:
            other, other_origin = self._entries[name]
            plural = hook_name(self.family).removeprefix("ganforge_")
            raise PluginError(
                f"two {plural} are called '{name}': {source_location(other)} of {other_origin} and "
                f"{source_location(spec)} of {origin}. Rename one, or block a plugin with `--block PLUGIN`."
            )
        self._entries[name] = (spec, origin)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[tuple[str, type[S], Origin]]:
        for name in sorted(self._entries):
            yield (name, *self._entries[name])

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str) -> type[S] | None:
        entry = self._entries.get(name)
        return entry[0] if entry else None

    def explain_missing(self, name: str) -> str:
        """One sentence with what was asked for, a suggestion, and what is installed."""
        by_origin: dict[str, list[str]] = {}
        for known, _, origin in self:
            by_origin.setdefault(str(origin), []).append(known)
        installed = "; ".join(f"{', '.join(names)} ({origin})" for origin, names in by_origin.items())
        return (
            f"no {self.family} is called '{name}'.{did_you_mean(name, self._entries)} Installed: {installed or 'none'}."
            " If a plugin has it, install that, or name its file with -p FILE."
        )


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded, and why."""

    plugin: str
    distribution: str
    reason: str


@dataclass
class Components:
    """All registries, and the plugins that failed to join them."""

    registries: dict[str, Registry[Any]] = field(
        default_factory=lambda: {family: Registry(family, base) for family, base in FAMILIES.items()}
    )
    broken: list[BrokenPlugin] = field(default_factory=list)
    plugins: list[Origin] = field(default_factory=list)

    def __getitem__(self, family: str) -> Registry[Any]:
        return self.registries[family]


class Lookup:
    """Annotation of a recipe field that holds a component: its `kind` is looked up when it is validated.

    The `Components` come in through pydantic's validation context, so that nothing is global:
    `Recipe.model_validate(data, context={"components": components})`.
    """

    def __init__(self, family: str) -> None:
        self.family = family

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda spec, info: spec.model_dump(mode=info.mode), info_arg=True
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"$ref": COMPONENT_REF + self.family}

    def _validate(self, value: Any, info: ValidationInfo) -> Component:
        if isinstance(value, FAMILIES[self.family]):
            return value
        components: Components | None = (info.context or {}).get("components")
        if components is None:
            raise TypeError(f"the kind of a {self.family} can't be looked up without the context `components`.")
        registry = components[self.family]
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            names = ", ".join(name for name, _, _ in registry)
            if isinstance(value, dict) and "kind" in value:
                raise PydanticCustomError("unknown_kind", "{text}", {"text": f"must be the name of one of: {names}."})
            raise PydanticCustomError(
                "component", "{text}", {"text": f"must be a mapping with a `kind`, one of: {names}."}
            )
        spec = registry.get(value["kind"])
        if spec is None:
            text = registry.explain_missing(value["kind"])
            if components.broken:
                failed = ", ".join(broken.plugin for broken in components.broken)
                text += f" Plugins that failed to load: {failed} (see `ganforge plugins`)."
            raise PydanticCustomError("unknown_kind", "{text}", {"text": text})
        return spec.model_validate(value, context=info.context)
