"""The schema that is committed with the recipes: current, true of each of them, and against typing errors."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ganforge.recipe import yaml
from ganforge.recipe.nodes import Origin
from ganforge.recipe.schema import json_schema
from ganforge.registry import Components

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "recipes" / "schema.json"
RECIPES = sorted(ROOT.glob("recipes/**/*.yaml"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def data_of(path: Path) -> Any:
    return yaml.parse(path.read_text(encoding="utf-8"), lambda line, column: Origin(path, line, column)).plain()


def test_the_schema_is_that_of_the_plugins_in_this_repository(components: Components) -> None:
    """Where it fails: `ganforge schema --out recipes/schema.json`."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema(components)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: str(path.relative_to(ROOT / "recipes")))
def test_a_recipe_names_the_schema_and_follows_it(path: Path, validator: jsonschema.Draft202012Validator) -> None:
    mark, _, rest = path.read_text(encoding="utf-8").partition("\n")
    key, _, address = mark.partition("=")
    assert key == "# yaml-language-server: $schema" and rest.startswith("name: ")
    assert (path.parent / address).resolve() == SCHEMA
    assert [error.message for error in validator.iter_errors(data_of(path))] == []


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("resolutoin",), 64),
        (("resolution",), "64 px"),
        (("generator", "blocks", "style_1", "kind"), "stile"),
        (("generator", "blocks", "style_1", "channels"), -1),
        (("generator", "blocks", "Style"), {"kind": "style", "channels": 8}),
        (("generator", "blocks", "style_1"), {"channels": 8}),
        (("discriminator", "features", "network"), {"kind": "kd"}),
        (("training", "optimizer", "beta"), [0, 0.99]),
        (("training", "step"), "quick"),
        (("stages",), []),
        (("evaluation", "best", "every"), 0),
    ],
)
def test_a_typing_error_is_found(
    place: tuple[str, ...], wrong: object, validator: jsonschema.Draft202012Validator
) -> None:
    data = copy.deepcopy(data_of(ROOT / "recipes" / "dr_best.yaml"))
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = wrong
    assert not validator.is_valid(data)


def test_fields_are_described_where_editors_show_it(validator: jsonschema.Draft202012Validator) -> None:
    definitions = validator.schema["$defs"]
    assert definitions["StyleBlock" if "StyleBlock" in definitions else "Style"]["properties"]["upsampling"][
        "description"
    ]
    assert definitions["Recipe"]["properties"]["description"]["description"] == "One sentence for the report."
    assert definitions["dataset"]["description"] == "A set of labelled images."
