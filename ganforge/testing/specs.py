"""What holds for every component: it is data with a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from ganforge.interfaces import Component
from ganforge.registry import FAMILIES, Components, Origin


def expect(holds: object, sentence: str) -> None:
    """Raise AssertionError with the sentence unless `holds`; unlike `assert`, also under `python -O`."""
    if not holds:
        raise AssertionError(sentence)


def check_spec(spec: Component) -> None:
    """A spec has a name and a summary, is frozen, hashes, and survives a round trip through its JSON form."""
    name = type(spec).__name__
    families = [family for family, base in FAMILIES.items() if isinstance(spec, base)]
    expect(len(families) == 1, f"{name} must be of one kind of component, but is of: {', '.join(families) or 'none'}.")
    kind = spec.kind_name()
    expect(
        kind.isidentifier() and kind.islower() and spec.kind == kind,
        f'{name} must name itself by `kind: Literal["some_name"] = "some_name"`, lower case with underscores.',
    )
    expect(spec.summary(), f"{kind}: the docstring of {name} is empty; its first line is shown to users.")
    expect(
        type(spec).model_config.get("frozen") and type(spec).model_config.get("extra") == "forbid",
        f"{kind}: must stay frozen and forbid unknown keys, as its base class does.",
    )
    hash(spec)
    data = spec.model_dump(mode="json")
    expect(
        type(spec).model_validate(data, context={"components": components_in(spec)}) == spec,
        f"{kind}: what `model_dump` gives does not validate to an equal spec, so recipes would not round-trip: {data}.",
    )
    expect(_refuses(spec, {**data, "no_such_key": 1}), f"{kind}: accepts an unknown key.")


def components_in(value: Any) -> Components:
    """The kinds of all components inside a spec, as if a plugin had registered them."""
    components = Components()
    for spec in _nested(value):
        for family, base in FAMILIES.items():
            if isinstance(spec, base) and spec.kind not in components[family]:
                components[family].add(type(spec), Origin("checked", "checked", ""))
    return components


def _nested(value: Any) -> Iterator[Component]:
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        parts = [getattr(value, name) for name in type(value).model_fields]
    else:
        parts = list(value.values()) if isinstance(value, Mapping) else []
        parts += list(value) if isinstance(value, tuple | list) else []
    for part in parts:
        yield from _nested(part)


def _refuses(spec: Component, data: dict[str, Any]) -> bool:
    try:
        type(spec).model_validate(data, context={"components": components_in(spec)})
    except ValidationError:
        return True
    return False
