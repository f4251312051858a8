from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, PositiveInt, ValidationError

from ganforge import interfaces
from ganforge.errors import PluginError
from ganforge.registry import FAMILIES, BrokenPlugin, Components, Lookup, Origin, hook_name, source_location

HERE = Origin("mylab", "mylab-ganforge", "1.2")
THERE = Origin("other", "other-ganforge", "3.0")


class Gate(interfaces.BlockSpec):
    """Channel gate of the tests.

    With a second paragraph.
    """

    kind: Literal["gate"] = "gate"
    ratio: PositiveInt = 8

    def out_shape(self, shape):
        return shape

    def build(self, shape, style_dim):
        raise NotImplementedError


class OtherGate(Gate):
    kind: Literal["gate"] = "gate"


class Holder(BaseModel):
    block: Annotated[interfaces.BlockSpec, Lookup("block")]


def with_gate() -> Components:
    components = Components()
    components["block"].add(Gate, HERE)
    return components


def complaint(spec, components=None) -> str:
    with pytest.raises(PluginError) as caught:
        (components or Components())["block"].add(spec, THERE)
    return str(caught.value)


def test_every_family_has_a_base_class_and_a_hook():
    assert len(FAMILIES) == 18
    assert hook_name("block") == "ganforge_blocks" and hook_name("loss") == "ganforge_losses"
    assert hook_name("logit_penalty") == "ganforge_logit_penalties"


def test_a_component_is_found_with_its_origin():
    registry = with_gate()["block"]
    assert registry.get("gate") is Gate and "gate" in registry and len(registry) == 1
    assert list(registry) == [("gate", Gate, HERE)]
    assert registry.get("gat") is None
    assert Gate.kind_name() == "gate" and Gate.summary() == "Channel gate of the tests."
    assert source_location(Gate).rpartition(":")[0] == __file__


def test_a_class_of_another_family_is_refused():
    class Wrong(interfaces.LossSpec):
        kind: Literal["wrong"] = "wrong"

    assert complaint(Wrong) == (
        f"other-ganforge 3.0: ganforge_blocks returned {Wrong!r}, which is no subclass of BlockSpec."
    )


def test_an_instance_instead_of_a_class_is_refused():
    assert complaint(Gate()).endswith("which is no subclass of BlockSpec.")


@pytest.mark.parametrize("name", ["Gate", "my gate", "1gate", ""])
def test_a_name_that_is_no_lower_case_word_is_refused(name):
    Misnamed = type("Misnamed", (Gate,), {"__annotations__": {"kind": Literal[name]}, "kind": name})  # noqa: N806
    assert 'must be given as `kind: Literal["some_name"] = "some_name"`' in complaint(Misnamed)


def test_a_component_without_a_name_is_refused():
    class Nameless(interfaces.BlockSpec):
        def out_shape(self, shape):
            return shape

        def build(self, shape, style_dim):
            raise NotImplementedError

    assert "the name of Nameless (" in complaint(Nameless)


def test_a_component_that_lacks_a_method_is_refused():
    class Half(interfaces.BlockSpec):
        kind: Literal["half"] = "half"

        def build(self, shape, style_dim):
            raise NotImplementedError

    assert complaint(Half) == f"other-ganforge 3.0: Half ({source_location(Half)}) lacks out_shape."


def test_papers_that_are_no_tuple_of_texts_are_refused():
    class Cited(Gate):
        papers = "Doe 2020"

    assert complaint(Cited) == (
        f"other-ganforge 3.0: `papers` of Cited ({source_location(Cited)}) must be a tuple of texts, such as "
        "`(\"Hu, Shen & Sun 2018\",)`, but is 'Doe 2020'."
    )


def test_two_components_of_one_name_are_both_named():
    assert complaint(OtherGate, with_gate()) == (
        f"two blocks are called 'gate': {source_location(Gate)} of mylab-ganforge 1.2 and "
        f"{source_location(OtherGate)} of other-ganforge 3.0. Rename one, or block a plugin with `--block PLUGIN`."
    )


def test_a_missing_name_is_explained_by_what_is_installed():
    assert with_gate()["block"].explain_missing("gat") == (
        "no block is called 'gat'. Did you mean 'gate'? Installed: gate (mylab-ganforge 1.2). If a plugin has it, "
        "install that, or name its file with -p FILE."
    )
    assert Components()["block"].explain_missing("gat") == (
        "no block is called 'gat'. Installed: none. If a plugin has it, install that, or name its file with -p FILE."
    )


def test_a_field_looks_its_component_up_when_it_is_validated():
    context = {"components": with_gate()}
    holder = Holder.model_validate({"block": {"kind": "gate", "ratio": 2}}, context=context)
    assert holder.block == Gate(ratio=2)
    assert Holder.model_validate({"block": Gate(ratio=2)}, context=context) == holder
    assert holder.model_dump(mode="json") == {"block": {"kind": "gate", "ratio": 2}}


def test_a_component_that_is_there_needs_no_look_up_and_a_name_does():
    assert Holder(block=Gate(ratio=2)) == Holder.model_validate({"block": Gate(ratio=2)})
    with pytest.raises(TypeError) as caught:
        Holder.model_validate({"block": {"kind": "gate"}})
    assert str(caught.value) == "the kind of a block can't be looked up without the context `components`."


def test_errors_inside_a_component_keep_their_location():
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"block": {"kind": "gate", "ratio": -1, "x": 2}}, context={"components": with_gate()})
    assert [(error["loc"], error["type"]) for error in caught.value.errors()] == [
        (("block", "ratio"), "greater_than"),
        (("block", "x"), "extra_forbidden"),
    ]


def test_an_unknown_kind_names_the_broken_plugins():
    components = with_gate()
    components.broken.append(BrokenPlugin("bad", "bad-ganforge 1.0", "ImportError"))
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"block": {"kind": "bad_gate"}}, context={"components": components})
    assert caught.value.errors()[0]["msg"] == (
        "no block is called 'bad_gate'. Did you mean 'gate'? Installed: gate (mylab-ganforge 1.2). "
        "If a plugin has it, install that, or name its file with -p FILE. "
        "Plugins that failed to load: bad (see `ganforge plugins`)."
    )


@pytest.mark.parametrize("value", [None, "gate", 3, [], {}])
def test_what_is_no_mapping_with_a_kind_is_told_which_kinds_there_are(value):
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"block": value}, context={"components": with_gate()})
    assert caught.value.errors()[0]["msg"] == "must be a mapping with a `kind`, one of: gate."


def test_a_kind_that_is_no_name_is_told_which_there_are():
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"block": {"kind": 3}}, context={"components": with_gate()})
    (error,) = caught.value.errors()
    assert (error["type"], error["msg"]) == ("unknown_kind", "must be the name of one of: gate.")


def test_a_model_with_a_lookup_has_a_json_schema():
    assert Holder.model_json_schema()["properties"]["block"] == {
        "$ref": "https://ganforge.invalid/block",
        "title": "Block",
    }
