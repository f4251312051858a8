"""The fields of a component in the words of a recipe, read from its JSON schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ganforge.recipe.schema import json_schema
from ganforge.registry import Components

_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
    "array": "list",
    "object": "mapping",
}
_LIMITS = {
    "exclusiveMinimum": "> {}",
    "minimum": ">= {}",
    "exclusiveMaximum": "< {}",
    "maximum": "<= {}",
    "minLength": "(length >= {})",
    "minItems": "(length >= {})",
    "pattern": "(matching {})",
}
_REF = "#/$defs/"


class Field(NamedTuple):
    """One field of a component: how a recipe names it, what it may hold, and its default as YAML writes it."""

    name: str
    type: str
    #: `required` where there is none.
    default: str
    description: str


def fields_of(components: Components, family: str, name: str) -> list[Field]:
    """The fields of a registered component without `kind`, in their order."""
    definitions = json_schema(components)["$defs"]
    reference = definitions[family]["discriminator"]["mapping"][name]
    schema = definitions[reference.removeprefix(_REF)]
    required = schema["required"]
    return [
        Field(
            key,
            describe(value, definitions),
            "required" if key in required else json.dumps(value.get("default"), ensure_ascii=False),
            str(value.get("description", "")),
        )
        for key, value in schema["properties"].items()
        if key != "kind"
    ]


def describe(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What a value may be: `whole number > 0`, `"crop" or "pad"`, `list of text`, `text or null`."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REF)
        is_scalar = not {"properties", "discriminator", "not"} & definitions[name].keys()
        return describe(definitions[name], definitions) if is_scalar else name
    members = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if members:
        return " or ".join(dict.fromkeys(describe(member, definitions) for member in members))
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if values:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return _plain(schema, definitions)


def _plain(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A single type with its limits, and with that of its items."""
    text = _WORDS.get(str(schema.get("type")), "anything")
    if schema.get("format") == "path":
        text = "path"
    if "prefixItems" in schema:
        items = dict.fromkeys(describe(item, definitions) for item in schema["prefixItems"])
        return f"list of {len(schema['prefixItems'])}: {', '.join(items)}"
    limits = " and ".join(template.format(schema[key]) for key, template in _LIMITS.items() if key in schema)
    text = f"{text} {limits}".strip()
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), Mapping):
            text += f" of {describe(schema[part], definitions)}"
    return text
