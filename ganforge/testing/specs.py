"""What holds for every component: it is data with a name."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ganforge.interfaces import Component
from ganforge.registry import FAMILIES


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
        type(spec).model_validate(data) == spec,
        f"{kind}: what `model_dump` gives does not validate to an equal spec, so recipes would not round-trip: {data}.",
    )
    expect(_refuses(type(spec), {**data, "no_such_key": 1}), f"{kind}: accepts an unknown key.")


def _refuses(spec: type[Component], data: dict[str, Any]) -> bool:
    try:
        spec.model_validate(data)
    except ValidationError:
        return True
    return False
