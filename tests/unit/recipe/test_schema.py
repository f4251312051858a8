import json

from ganforge.recipe.schema import json_schema
from ganforge.registry import FAMILIES, Components


def references(schema) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(references, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(references, schema.values()))


def test_every_reference_leads_to_a_definition(components):
    schema = json_schema(components)
    found = references(schema)
    assert len(found) > 20
    assert found <= {f"#/$defs/{name}" for name in schema["$defs"]}


def test_each_family_is_one_of_its_registered_specs(components):
    definitions = json_schema(components)["$defs"]
    assert set(FAMILIES) <= set(definitions)
    assert definitions["block"] == {
        "description": "One named block of a generator or discriminator.",
        "oneOf": [{"$ref": "#/$defs/Many"}, {"$ref": "#/$defs/Residual"}],
        "discriminator": {
            "propertyName": "kind",
            "mapping": {"many": "#/$defs/Many", "residual": "#/$defs/Residual"},
        },
    }
    assert definitions["evaluator"] == {"description": "Measure of generated images against real ones.", "not": {}}
    assert definitions["Residual"]["required"] == ["channels", "kind"]
    assert definitions["Residual"]["properties"]["kind"]["const"] == "residual"
    assert definitions["Residual"]["additionalProperties"] is False


def test_fields_that_look_components_up_refer_to_their_family(components):
    definitions = json_schema(components)["$defs"]
    assert definitions["Recipe"]["properties"]["data"]["$ref"] == "#/$defs/dataset"
    assert definitions["GeneratorSpec"]["properties"]["mapping"]["anyOf"] == [
        {"$ref": "#/$defs/mapping"},
        {"type": "null"},
    ]
    assert definitions["Many"]["properties"]["nested"]["items"] == {"$ref": "#/$defs/block"}


def test_the_schema_is_json_and_needs_no_component(components):
    assert json.loads(json.dumps(json_schema(components))) == json_schema(components)
    assert json_schema(Components())["$ref"] == "#/$defs/Recipe"
