"""Text that is written is read back: values, and whole recipes."""

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import PositiveInt

from ganforge import interfaces
from ganforge.errors import RecipeError
from ganforge.fields.scalars import shown
from ganforge.recipe.dump import dump_recipe, recipe_hash
from ganforge.recipe.load import load_recipe
from ganforge.recipe.models import Recipe
from ganforge.recipe.nodes import Origin
from ganforge.recipe.overrides import parse_override
from ganforge.recipe.yaml import dump, parse
from ganforge.registry import FAMILIES, Components
from ganforge.registry import Origin as PluginOrigin


def made_up(family: str) -> type[interfaces.Component]:
    class Drawn(FAMILIES[family]):
        """A component with a field of each plain type."""

        kind: Literal["drawn"] = "drawn"
        count: PositiveInt = 1
        factor: float | None = None
        texts: tuple[str, ...] = ()
        by_name: dict[str, int] = {}
        by_class: dict[int, float] = {}
        file: Path = Path("a")
        every: PositiveInt = 1

    Drawn.__abstractmethods__ = frozenset()
    return Drawn


COMPONENTS = Components()
for family in FAMILIES:
    COMPONENTS[family].add(made_up(family), PluginOrigin("tests", "tests", ""))

#: For whole recipes, which take milliseconds to draw: a part of what the profile asks for.
FEWER = settings(max_examples=max(1, settings().max_examples * 2 // 5), deadline=None)

#: All characters that YAML text can hold; surrogates stand for no character.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
#: Text that is easily taken for a number, a date or a constant.
LOOKALIKES = st.from_regex(r"[-+]?[0-9.:_eExob~]{1,6}", fullmatch=True) | st.sampled_from(
    ["null", "Null", "no", "True", "false", ".inf", "-.INF", ".nan", "<<", "=", "2024-01-01", "0o7", "- a", "a: b", "#"]
)
NUMBERS = st.integers() | st.floats(allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT | LOOKALIKES
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | LOOKALIKES, inner, max_size=3),
    max_leaves=8,
)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
COUNTS = st.integers(1, 10**6)


def component() -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries(
        {"kind": st.just("drawn")},
        optional={
            "count": COUNTS,
            "factor": st.none() | FINITE,
            "texts": st.lists(TEXT | LOOKALIKES, max_size=2),
            "by_name": st.dictionaries(TEXT | LOOKALIKES, st.integers(), max_size=2),
            "by_class": st.dictionaries(st.integers(0, 9), FINITE, max_size=2),
            "file": TEXT.filter(lambda text: "\0" not in text and text.strip()),
        },
    )


def network(**required: st.SearchStrategy) -> st.SearchStrategy[dict]:
    globs = st.lists(st.text("abc_*?.", min_size=1, max_size=5), max_size=2)
    return st.fixed_dictionaries(
        {
            "blocks": st.dictionaries(KEYS, component(), min_size=1, max_size=3),
            "initialisation": component(),
            **required,
        },
        optional={
            "adafm": globs,
            "label": st.lists(st.fixed_dictionaries({"where": component(), "how": component()}), max_size=2),
            "pretrained": st.none() | st.fixed_dictionaries({}, optional={"fresh": globs, "drop": globs}),
        },
    )


STAGES = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True),
        "steps": COUNTS,
        "generator_rate": component(),
        "discriminator_rate": component(),
    },
    optional={"generator": st.lists(st.sampled_from([{"train": "*"}, {"freeze": "fc.*"}]), max_size=2)},
)
RECIPES = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,5}", fullmatch=True),
        "resolution": st.integers(1, 4096),
        "data": component(),
        "generator": network(latent_dim=st.integers(1, 65_536)),
        "discriminator": network(),
        "training": st.fixed_dictionaries(
            {"batch": st.integers(1, 65_536), "loss": component(), "sampler": component(), "optimizer": component()},
            optional={"regularisers": st.lists(component(), max_size=2), "ema": st.floats(0, 0.999)},
        ),
        "stages": st.lists(STAGES, min_size=1, max_size=2),
    },
    optional={"description": TEXT | LOOKALIKES, "seed": st.integers(0, 2**63), "source": st.none() | component()},
)


def paths(value, path=()) -> list[tuple]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for step, child in items for found in paths(child, (*path, step)))]


@st.composite
def damaged_recipes(draw: st.DrawFn) -> dict:
    """A recipe in which one value is replaced by another, or one key is added."""
    recipe = draw(RECIPES)
    *parents, last = draw(st.sampled_from(paths(recipe)[1:]))
    part = recipe
    for step in parents:
        part = part[step]
    part[last] = draw(VALUES)
    if isinstance(part, dict):
        part[draw(st.sampled_from(["kind", "chanels", "steps"]))] = draw(VALUES)
    return recipe


def same(one, other) -> bool:
    """Equal in value, type and sign, in depth."""
    return repr(one) == repr(other)


@given(VALUES)
@settings(deadline=None)
def test_every_value_is_read_back_as_it_was_dumped(value):
    assert same(parse(dump({"value": value}), lambda line, column: Origin()).plain(), {"value": value})


@given(SCALARS)
@settings(deadline=None)
def test_a_value_shown_on_one_line_can_be_given_as_an_override(value):
    assert same(parse_override(f"a={shown(value)}")[1].plain(), value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


@given(data=RECIPES)
@FEWER
def test_a_dumped_recipe_loads_back_to_an_equal_one_with_the_same_hash(folder, data):
    recipe = Recipe.model_validate(data, context={"components": COMPONENTS})
    file = folder / "dumped.yaml"
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    again = load_recipe(file, [], COMPONENTS)
    assert again.recipe == recipe
    assert recipe_hash(again.recipe) == recipe_hash(recipe)
    assert all(origin.file == file for origin in again.origins.values())


@given(data=damaged_recipes(), override=st.sampled_from(["seed=x", "stages[0].steps=0", "a.b[0]=1", "generator=", "="]))
@FEWER
def test_a_damaged_recipe_is_refused_with_places_and_never_crashes(folder, data, override):
    file = folder / "damaged.yaml"
    file.write_text(dump(data), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(file, [override], COMPONENTS)
    for problem in caught.value.problems:
        assert problem.file == file or override in problem.message
