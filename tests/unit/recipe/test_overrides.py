from pathlib import Path

import pytest

from ganforge.errors import RecipeError
from ganforge.recipe.nodes import Node, Origin
from ganforge.recipe.overrides import apply_overrides, parse_override, parse_path
from ganforge.recipe.yaml import parse


def tree(text: str) -> Node:
    return parse(text, lambda line, column: Origin(Path("x.yaml"), line, column))


def applied(text: str, *overrides: str):
    root, problems = apply_overrides(tree(text), overrides)
    assert problems == []
    return root.plain()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("seed", ("seed",)),
        ("stages[0].steps", ("stages", 0, "steps")),
        ("generator.blocks.resnet_3_0.channels", ("generator", "blocks", "resnet_3_0", "channels")),
        ("a[1][2]", ("a", 1, 2)),
        ("per_class.No DR", ("per_class", "No DR")),
        ("", ()),
        (".a", ()),
        ("a.", ()),
        ("a..b", ()),
        ("a[", ()),
        ("a[-1]", ()),
        ("a[x]", ()),
        ("a.[0]", ()),
        ("[0]", ()),
        ("a[0]b", ()),
    ],
)
def test_keys_are_names_and_indices(text, path):
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", 100),
        ("1e-4", 1e-4),
        (" true ", True),
        ("null", None),
        ("no", "no"),
        ("[]", []),
        ("{}", {}),
        ("[1, a]", [1, "a"]),
        ("{kind: r1, gamma: 5}", {"kind": "r1", "gamma": 5}),
        ("[{freeze: '*'}]", [{"freeze": "*"}]),
        ("'2024'", "2024"),
        ('" a "', " a "),
        ("", ""),
        ("~", "~"),
        ("~/data", "~/data"),
        ("/path with spaces", "/path with spaces"),
        ("C:\\x", "C:\\x"),
        ("/a: b", "/a: b"),
        ("/a #1", "/a #1"),
        ("#1", "#1"),
        ("/data/{x}/[y]", "/data/{x}/[y]"),
        ("{x}", "{x}"),
        ("{x", "{x"),
        ("{x}/y: z", "{x}/y: z"),
        ("[old] data", "[old] data"),
        ("[old] #1", "[old] #1"),
        ("[old", "[old"),
        ('"quoted" and more', '"quoted" and more'),
        ("a=b", "a=b"),
        ("- a", "- a"),
        ("*.weight", "*.weight"),
        ("&a", "&a"),
        ("!a", "!a"),
        ("| a", "| a"),
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        ("[!!python/object:os.system x]", "[!!python/object:os.system x]"),
    ],
)
def test_values_are_read_as_users_mean_them(text, value):
    node = parse_override(f"data.root={text}")[1]
    assert node.plain() == value and type(node.plain()) is type(value)


@pytest.mark.parametrize("text", ["nonsense", "=3", "a..b=3", ""])
def test_an_override_without_key_or_value_is_refused(text):
    with pytest.raises(RecipeError) as caught:
        parse_override(text)
    assert str(caught.value) == (
        f"the override '{text}' must be KEY=VALUE, such as training.batch=16 or stages[0].steps=100."
    )


def test_values_are_replaced_and_missing_mappings_are_made():
    assert applied("a: {b: 1}\nc: [1, {d: 2}]\ne: null", "a.b=3", "c[1].d=4", "e.f=5", "g.h.i=6") == {
        "a": {"b": 3},
        "c": [1, {"d": 4}],
        "e": {"f": 5},
        "g": {"h": {"i": 6}},
    }


def test_the_last_override_wins():
    assert applied("a: 1", "a=2", "a=3") == {"a": 3}


def test_an_override_changes_one_place_of_an_aliased_value():
    assert applied("a: &x {r: 1}\nb: *x", "b.r=2") == {"a": {"r": 1}, "b": {"r": 2}}


def test_integer_keys_can_be_named_in_both_ways():
    assert applied("a: {1: x}", "a.1=y") == {"a": {1: "y"}}
    assert applied("a: {1: x}", "a[1]=y") == {"a": {1: "y"}}


def test_all_overrides_that_do_not_fit_are_told():
    _, problems = apply_overrides(
        tree("s: [{n: 1}]\nm: {k: 1}\nv: text\nz: []"), ["s[1].n=2", "s.n=2", "m[0]=2", "v.x=2", "z[0]=1", "n[0]=3"]
    )
    assert [str(problem) for problem in problems] == [
        "override 's[1].n=2': there is no s[1]: the list ends with s[0].",
        "override 's.n=2': s is a list, so an index must follow: s[0].",
        "override 'm[0]=2': m is no list, so a name must follow, such as m.k.",
        "override 'v.x=2': v is a single value (text), so the key must end there.",
        "override 'z[0]=1': there is no z[0]: the list is empty.",
        "override 'n[0]=3': there is no list n. A list is begun whole: n=[...].",
    ]


def test_a_misspelt_list_is_put_right_at_once(load, recipe_text):
    with pytest.raises(RecipeError) as caught:
        load(recipe_text, "stage[0].steps=3", "training.regulariser[0].gamma=2")
    assert [str(problem) for problem in caught.value.problems] == [
        "override 'stage[0].steps=3': there is no list stage. Did you mean 'stages'?",
        "override 'training.regulariser[0].gamma=2': there is no list training.regulariser. "
        "Did you mean 'regularisers'?",
    ]


def test_an_unknown_key_names_the_override_and_no_line(load, recipe_text):
    with pytest.raises(RecipeError) as caught:
        load(recipe_text, "generator.blocks.resnet_3_0.chanels=64", "stages[7].steps=1")
    assert [str(problem) for problem in caught.value.problems] == [
        "generator.blocks.resnet_3_0.chanels: unknown key 'chanels'. Did you mean 'channels'? "
        "Known keys: channels, kind. Set by the override 'generator.blocks.resnet_3_0.chanels=64'.",
        "override 'stages[7].steps=1': there is no stages[7]: the list ends with stages[0].",
    ]


def test_overrides_reach_the_recipe(load, recipe_text):
    recipe = load(
        recipe_text,
        "stages[0].steps=100",
        "data.root=/path with spaces",
        "generator.blocks.resnet_3_0.channels=64",
        "training.regularisers=[]",
        "generator.mapping={kind: mlp, layers: 2}",
    ).recipe
    assert recipe.stages[0].steps == 100
    assert recipe.data.root == Path("/path with spaces")
    assert recipe.generator.blocks["resnet_3_0"].channels == 64
    assert recipe.training.regularisers == ()
    assert recipe.generator.mapping.layers == 2
