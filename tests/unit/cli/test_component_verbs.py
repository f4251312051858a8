"""ls and plugins list what is installed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import Result

from ganforge.cli.fields import describe, fields_of
from ganforge.registry import FAMILIES, Components

Ganforge = Callable[..., Result]


def test_ls_names_every_component_with_its_plugin_place_and_summary(ganforge: Ganforge, components: Components) -> None:
    result = ganforge("ls")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    for family, registry in components.registries.items():
        assert family in lines
        for name, spec, origin in registry:
            place = lines[lines.index(f"  {name}: {spec.summary()}") + 1]
            assert place.startswith(f"    {origin}, ")
            assert ".py:" in place


def test_ls_of_one_kind_lists_that_kind_only(ganforge: Ganforge) -> None:
    lines = ganforge("ls", "regulariser").stdout.splitlines()
    assert lines[0] == "regulariser"
    assert lines[1].startswith("  r1: gamma / 2 * squared gradient norm on real images")
    assert not any(family in lines for family in FAMILIES if family != "regulariser")


def test_ls_as_json_has_an_entry_for_each_component(ganforge: Ganforge, components: Components) -> None:
    entries = json.loads(ganforge("ls", "--json").stdout)
    assert len(entries) == sum(len(registry) for registry in components.registries.values())
    (adam,) = [entry for entry in entries if entry["name"] == "adam"]
    assert (adam["family"], adam["summary"], adam["plugin"]) == ("optimizer", "Adam (Kingma & Ba 2015).", "builtin")


def test_ls_of_a_component_lists_its_fields(ganforge: Ganforge) -> None:
    lines = ganforge("ls", "block", "style").stdout.splitlines()
    assert lines[0] == "block style"
    assert lines[4:11] == [
        "  field           default   type",
        "  channels        required  whole number > 0 and <= 65536",
        '  upsampling      "none"    "none" or "nearest" or "bilinear" or "transposed"',
        "  residual_scale  null      number > 0 or null",
        "  noise           true      true or false",
        "  clip_gradient   false     true or false",
        "",
    ]
    assert lines[11] == "  upsampling: How the side is doubled in front of (or by) the first convolution."


def test_ls_of_a_component_gives_its_fields_as_json(ganforge: Ganforge) -> None:
    entry = json.loads(ganforge("ls", "optimizer", "adam", "--json").stdout)
    assert entry["fields"][0] == {
        "name": "betas",
        "type": "list of 2: number >= 0 and < 1",
        "default": "[0.0, 0.99]",
        "description": "",
    }


def test_a_component_without_fields_says_so(ganforge: Ganforge) -> None:
    assert ganforge("ls", "block", "pixel_norm").stdout.splitlines()[-1] == "  It has no fields."


def test_fields_bear_the_names_that_recipes_use(components: Components) -> None:
    assert [field.name for field in fields_of(components, "sampler", "class_weights")] == ["weights"]


def test_every_field_of_every_component_is_described(components: Components) -> None:
    number = 0
    for family, registry in components.registries.items():
        for name, spec, _ in registry:
            fields = fields_of(components, family, name)
            assert len(fields) == len(spec.model_fields) - 1
            assert all(field.type and "anything" not in field.type for field in fields)
            number += 1
    assert number >= 40


@given(st.sampled_from(["string", "integer", "number", "boolean"]), st.integers(-5, 5))
def test_limits_and_alternatives_are_written_out(kind: str, limit: int) -> None:
    text = describe({"anyOf": [{"type": kind, "minimum": limit}, {"type": "null"}]}, {})
    assert text.endswith(f">= {limit} or null")


def test_an_unknown_kind_is_met_with_a_suggestion(ganforge: Ganforge) -> None:
    result = ganforge("ls", "blok")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: there is no kind of component 'blok'. Did you mean 'block'? Kinds: block, ")


@pytest.mark.parametrize("words", [("ls", "loss", "bec"), ("ls", "loss", "bec", "--json")])
def test_an_unknown_component_is_met_with_a_suggestion(ganforge: Ganforge, words: tuple[str, ...]) -> None:
    result = ganforge(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no loss is called 'bec'. Did you mean 'bce'? Installed: bce, ")


def test_plugins_lists_the_core_first(ganforge: Ganforge, components: Components) -> None:
    lines = ganforge("plugins").stdout.splitlines()
    assert lines[0].split() == ["plugin", "from", "components"]
    assert lines[1].startswith("builtin ")
    loaded = json.loads(ganforge("plugins", "--json").stdout)["loaded"]
    assert [plugin["plugin"] for plugin in loaded] == [origin.plugin for origin in components.plugins]
    assert sum(plugin["components"] for plugin in loaded) == sum(len(r) for r in components.registries.values())
