"""Which plugins the components of a recipe came from, and which of them are not here any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganforge.errors import Problem
from ganforge.interfaces import Component, Spec
from ganforge.registry import FAMILIES, Components, Origin


def origins_of(value: Any, components: Components) -> dict[tuple[str, str], Origin]:
    """(family, kind) of each component in a spec -> where it came from."""
    found: dict[tuple[str, str], Origin] = {}
    if isinstance(value, Component):
        for family, base in FAMILIES.items():
            if isinstance(value, base):
                found |= {(family, kind): origin for kind, _, origin in components[family] if kind == value.kind}
    if isinstance(value, Spec):
        parts = [getattr(value, name) for name in type(value).model_fields]
    else:
        parts = list(value.values()) if isinstance(value, Mapping) else []
        parts += list(value) if isinstance(value, tuple | list) else []
    for part in parts:
        found |= origins_of(part, components)
    return found


def plugins_of(value: Any, components: Components) -> dict[str, list[str]]:
    """Distribution with its version -> `family kind` of each component that it has; those of the core left out.

    Of a plugin that was given as a file, the file's name, without the path.
    """
    found: dict[str, list[str]] = {}
    for (family, kind), origin in sorted(origins_of(value, components).items()):
        if origin.plugin != "builtin":
            name = str(origin) if origin.version else f"-p {origin.distribution.rpartition('/')[2]}"
            found.setdefault(name, []).append(f"{family} {kind}")
    return found


def versions_of(value: Any, components: Components) -> dict[str, str]:
    """Distribution -> version, of those plugins whose components decide what a run computes.

    Files have no version; trackers look on.
    """
    deciding = {
        origin
        for (family, _), origin in origins_of(value, components).items()
        if origin.plugin != "builtin" and origin.version and family != "tracker"
    }
    return {origin.distribution: origin.version for origin in sorted(deciding, key=str)}


def lost_plugins(recorded: Any, components: Components) -> list[Problem]:
    """A problem for each plugin of a run, as `plugins_of` gave them, with a component that is not here now."""
    problems = []
    for name, what in recorded.items() if isinstance(recorded, Mapping) else ():
        rows = [str(each).partition(" ") for each in what] if isinstance(what, list) else []
        lost = [
            f"{family} '{kind}'" for family, _, kind in rows if family in FAMILIES and kind not in components[family]
        ]
        if lost:
            of_file = str(name).startswith("-p ")
            distribution = str(name).partition(" ")[0]
            way_out = f"give it with {name}" if of_file else f"install it: pip install {distribution}"
            problems.append(Problem(f"the run was made with {name}, which has the {', the '.join(lost)}; {way_out}."))
    return problems
