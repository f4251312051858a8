"""Which model describes a part of a recipe: needed to list the known keys beside an unknown one."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from ganforge.recipe.nodes import Node
from ganforge.registry import Components, Lookup

Location = tuple[str | int, ...]


def model_at(model: type[BaseModel], root: Node, location: Location, components: Components) -> type[BaseModel] | None:
    """The model whose fields are the keys at `location` (pydantic's, with the tags of unions in it), or None."""
    return next(_models(model, (), root, location, components), None)


def _models(
    annotation: Any, metadata: tuple[Any, ...], node: Node | None, location: Location, components: Components
) -> Iterator[type[BaseModel]]:
    """All models that a walk along `location` can end in; `node` is what was written for `annotation`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    lookups = [item for item in metadata if isinstance(item, Lookup)]
    if lookups:
        kind = node.child("kind") if node else None
        spec = components[lookups[0].family].get(str(kind.value)) if kind else None
        if spec is not None:
            yield from _models(spec, (), node, location, components)
    elif origin is Annotated:
        yield from _models(arguments[0], (*metadata, *arguments[1:]), node, location, components)
    elif origin in {Union, types.UnionType}:
        # A step into a union carries a tag only where pydantic tried more than one member.
        is_tagged = bool(location) and (node is None or node.child(location[0]) is None)
        tagged = [member for member in arguments if is_tagged and getattr(member, "__name__", "") == location[0]]
        for rest in (location, location[1:]) if is_tagged else (location,):
            for member in tagged or arguments:
                yield from _models(member, (), node, rest, components)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not location:
            yield annotation
        elif isinstance(location[0], str) and (field := annotation.model_fields.get(location[0])) is not None:
            child = node.child(location[0]) if node else None
            yield from _models(field.annotation, tuple(field.metadata), child, location[1:], components)
    elif arguments and location:
        is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
        child = node.child(location[0]) if node else None
        for item in arguments[1:] if is_mapping else arguments:
            yield from _models(item, (), child, location[1:], components)
