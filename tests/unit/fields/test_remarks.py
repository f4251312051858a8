from typing import Literal

from pydantic import Field

from ganforge.fields.remarks import remarks
from ganforge.interfaces import SamplerSpec


class Base(SamplerSpec):
    kind: str
    #: Of the base,
    #: in two lines.
    inherited: int = 0
    #: Of the base as well.
    replaced: int = 0

    def weights(self, labels, num_classes):
        #: no field
        return []


class Odd(Base):
    """Fields with and without comments."""

    kind: Literal["odd"] = "odd"
    #: Own.
    replaced: int = 1
    bare: int = 0
    # not for readers of the schema
    private: int = 0
    #: By another name in recipes.
    selected: int = Field(default=0, alias="classes")
    #: Described twice.
    described: int = Field(default=0, description="Here.")


def test_comments_with_a_colon_are_read_and_no_others():
    assert remarks(Odd) == {
        "inherited": "Of the base, in two lines.",
        "replaced": "Own.",
        "selected": "By another name in recipes.",
        "described": "Described twice.",
    }


def test_editors_see_them_under_the_names_of_recipes_unless_there_is_a_description():
    properties = Odd.model_json_schema()["properties"]
    assert properties["classes"]["description"] == "By another name in recipes."
    assert properties["described"]["description"] == "Here."
    assert "description" not in properties["bare"]


def test_a_class_without_source_has_no_comments():
    namespace = {"SamplerSpec": SamplerSpec, "__name__": "nowhere"}
    exec("class Made(SamplerSpec):\n    kind: str = 'made'\n    #: lost\n    x: int = 0\n", namespace)
    assert remarks(namespace["Made"]) == {}
