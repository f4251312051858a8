"""The JSON schema of a recipe, with the components that are installed: what editors complete and check against."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ganforge.recipe.models import Recipe
from ganforge.registry import COMPONENT_REF, FAMILIES, Components

_REF = "#/$defs/"


def json_schema(components: Components) -> dict[str, Any]:
    """JSON schema (draft 2020-12) of a recipe file.

    `$defs` has one entry for each kind of component (`block`, `loss`, ...): one of the registered specs, told
    apart by `kind`, which is required in each.
    """
    specs = {family: [spec for _, spec, _ in components[family]] for family in FAMILIES}
    models: dict[type[BaseModel], None] = dict.fromkeys(
        [Recipe, *(spec for members in specs.values() for spec in members)]
    )
    references, combined = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REF + "{model}"
    )
    definitions: dict[str, Any] = _internal(combined["$defs"])
    names = {model: references[model, "validation"]["$ref"].removeprefix(_REF) for model in models}
    for family, members in specs.items():
        kinds = {spec.kind_name(): names[spec] for spec in members}
        definitions[family] = {"description": FAMILIES[family].summary(), **_one_of(kinds)}
        for spec in members:
            definition = definitions[names[spec]]
            definition["required"] = sorted({"kind", *definition.get("required", ())})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ganforge recipe",
        "$ref": _REF + names[Recipe],
        "$defs": dict(sorted(definitions.items())),
    }


def _one_of(names: dict[str, str]) -> dict[str, Any]:
    """Schema of a component whose `kind` selects one of `names`; nothing fits where there are none."""
    if not names:
        return {"not": {}}
    references = {kind: _REF + name for kind, name in names.items()}
    return {
        "oneOf": [{"$ref": reference} for reference in references.values()],
        "discriminator": {"propertyName": "kind", "mapping": references},
    }


def _internal(schema: Any) -> Any:
    """The schema with the references that `Lookup` makes pointed at `$defs`, and no keys beside those of a pattern."""
    if isinstance(schema, list):
        return [_internal(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "patternProperties" in schema else {}
    return closed | {
        key: value.replace(COMPONENT_REF, _REF) if key == "$ref" and isinstance(value, str) else _internal(value)
        for key, value in schema.items()
    }
