"""Verbs that list what is installed: ls, plugins."""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli.completion import complete_component, complete_family
from ganforge.cli.options import AsJson, Settings
from ganforge.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from ganforge.interfaces import Component
    from ganforge.registry import Components, Origin
    from ganforge.telling.output import Output

Family = Annotated[
    str | None,
    typer.Argument(metavar="FAMILY", help="Kind of component, such as block.", autocompletion=complete_family),
]
Name = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="One component, with its fields.", autocompletion=complete_component),
]


def ls(settings: Settings, family: Family = None, name: Name = None, as_json: AsJson = False) -> None:
    """List the components that recipes can name."""
    from ganforge.registry import FAMILIES
    from ganforge.telling.output import Output

    components = settings.components()
    if family is not None and family not in FAMILIES:
        raise UsageError(
            f"there is no kind of component '{family}'.{did_you_mean(family, FAMILIES)} Kinds: {', '.join(FAMILIES)}."
        )
    if family is not None and name is not None:
        _one(components, family, name, as_json)
        return
    families = [family] if family else list(FAMILIES)
    if as_json:
        rows = [_entry(each, *row) for each in families for row in components[each]]
        _print_json(rows)
        return
    output = Output()
    for number, each in enumerate(families):
        if number:
            output.line()
        _list(components, each, output)


def plugins(settings: Settings, as_json: AsJson = False) -> None:
    """List the plugins, and why any are broken."""
    from ganforge.telling.output import Output, counted

    components = settings.components(warn=False)
    loaded = [(origin, _num_components(components, origin)) for origin in components.plugins]
    if as_json:
        rows = [
            {
                "plugin": origin.plugin,
                "distribution": origin.distribution,
                "version": origin.version,
                "components": number,
            }
            for origin, number in loaded
        ]
        broken = [
            {"plugin": plugin.plugin, "distribution": plugin.distribution, "reason": plugin.reason}
            for plugin in components.broken
        ]
        _print_json({"loaded": rows, "broken": broken})
        return
    output = Output()
    cells = [(origin.plugin, str(origin), str(number)) for origin, number in loaded]
    output.table(("plugin", "from", "components"), cells, right={2})
    if components.broken:
        output.line()
        output.line(f"{counted(len(components.broken), 'broken plugin')}:", "bold red")
    for plugin in components.broken:
        output.line(f"  {plugin.plugin} ({plugin.distribution})")
        output.paragraph(plugin.reason, indent=4)


def _list(components: Components, family: str, output: Output) -> None:
    output.line(family, "bold")
    if not len(components[family]):
        output.line("  none is installed")
    for name, spec, origin in components[family]:
        output.paragraph(f"{name}: {spec.summary()}", indent=2)
        output.line(f"    {origin}, {_location(spec)}", "dim")


def _one(components: Components, family: str, name: str, as_json: bool) -> None:
    from ganforge.cli.fields import fields_of
    from ganforge.telling.output import Output

    found = [(spec, origin) for known, spec, origin in components[family] if known == name]
    if not found:
        raise UsageError(components[family].explain_missing(name))
    spec, origin = found[0]
    fields = fields_of(components, family, name)
    if as_json:
        entry = {**_entry(family, name, spec, origin), "fields": [field._asdict() for field in fields]}
        _print_json(entry)
        return
    output = Output()
    output.line(f"{family} {name}", "bold")
    for paragraph in inspect.cleandoc(spec.__doc__ or "").split("\n\n"):
        output.paragraph(" ".join(paragraph.split()), indent=2)
    output.line(f"  {origin}, {_location(spec)}", "dim")
    output.line()
    rows = [(field.name, field.default, field.type) for field in fields]
    if rows:
        output.table(("field", "default", "type"), rows, indent=2)
        output.line()
        for field in fields:
            if field.description:
                output.paragraph(f"{field.name}: {field.description}", indent=2)
    else:
        output.line("  It has no fields.")


def _entry(family: str, name: str, spec: type[Component], origin: Origin) -> dict[str, Any]:
    from ganforge.registry import source_location

    return {
        "family": family,
        "name": name,
        "summary": spec.summary(),
        "plugin": origin.plugin,
        "distribution": origin.distribution,
        "version": origin.version,
        "location": source_location(spec),
    }


def _location(spec: type[Component]) -> str:
    """`file.py:12`, relative where the file is below the current folder."""
    from ganforge.registry import source_location

    return source_location(spec).removeprefix(f"{Path.cwd()}{os.sep}")


def _num_components(components: Components, origin: Origin) -> int:
    return sum(owner == origin for registry in components.registries.values() for _, _, owner in registry)


def _print_json(data: Any) -> None:
    from ganforge.telling.output import Output

    Output().raw(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
