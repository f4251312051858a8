import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganforge.errors import Problem, RecipeError
from ganforge.recipe.load import load_recipe
from ganforge.recipe.messages import MOST
from ganforge.recipe.resolved import ResolvedLine, resolved_lines
from ganforge.registry import BrokenPlugin


@pytest.fixture
def problems(load):
    def problems(text, *overrides) -> list[str]:
        with pytest.raises(RecipeError) as caught:
            load(text, *overrides)
        return [str(problem) for problem in caught.value.problems]

    return problems


def swapped(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def with_block(text: str, fields: str) -> str:
    return swapped(text, ("resnet_3_0: {kind: residual, channels: 4}", f"m: {{kind: many, {fields}}}"))


def test_a_sound_recipe_loads(load):
    recipe = load().recipe
    assert recipe.stages[0].generator_rate.rate == 1e-4
    assert list(recipe.generator.blocks) == ["head", "resnet_3_0"]


def test_a_misspelt_key_of_a_component_is_pointed_at_and_put_right(problems, recipe_text):
    assert problems(swapped(recipe_text, ("channels: 4}", "chanels: 4}"))) == [
        "recipes/x.yaml:11:34 generator.blocks.resnet_3_0.chanels: unknown key 'chanels'. "
        "Did you mean 'channels'? Known keys: channels, kind."
    ]


def test_a_number_as_a_key_is_an_unknown_key(problems, recipe_text):
    assert problems(swapped(recipe_text, ("channels: 4}", "channels: 4, 1: 2}"))) == [
        "recipes/x.yaml:11:47 generator.blocks.resnet_3_0[1]: unknown key '1'. Known keys: channels, kind."
    ]
    (problem,) = problems("1: 2\n" + recipe_text)
    assert problem.startswith("recipes/x.yaml:1:1 [1]: unknown key '1'. Known keys: bad_images, data, ")


def test_all_problems_are_told_at_once_in_the_order_of_the_file(problems, recipe_text):
    text = swapped(
        recipe_text,
        ("    steps: 10\n", ""),
        ("latent_dim: 4", "latent_dim: abc"),
        ("kind: adam", "kind: adamm"),
        ("{kind: logistic}", "logistic"),
        ("resnet_0_0", "Res-3"),
        ("name: small", "nam: small"),
        ("- freeze: '*'", "- {freeze: '*', train: '*'}"),
    )
    assert problems(text, "seed=-1", "training.step=fsat") == [
        "recipes/x.yaml:1:1 nam: unknown key 'nam'. Did you mean 'name'? Known keys: bad_images, data, description, "
        "discriminator, evaluation, generator, name, output, resolution, seed, source, split, stages, training.",
        "recipes/x.yaml:5:15 generator.latent_dim: must be an integer, not 'abc'.",
        "recipes/x.yaml:15:5 discriminator.blocks.Res-3: must be text that matches ^[a-z][a-z0-9_]*$, not 'Res-3'.",
        "recipes/x.yaml:18:9 training.loss: must be a mapping with a `kind`, one of: logistic.",
        "recipes/x.yaml:22:21 training.optimizer.kind: no optimizer is called 'adamm'. Did you mean 'adam'? "
        "Installed: adam (ganforge-tests 1.0). If a plugin has it, install that, or name its file with -p FILE.",
        "recipes/x.yaml:24:5 stages[0]: needs a value for 'steps'.",
        "recipes/x.yaml:26:9 stages[0].generator[0]: must be either `train: GLOB` or `freeze: GLOB`.",
        "seed: must be at least 0, not -1. Set by the override 'seed=-1'.",
        "training.step: must be 'exact', 'fast' or 'auto', not 'fsat'. Did you mean 'fast'? "
        "Set by the override 'training.step=fsat'.",
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("number: 2", "m.number: must be less than 1, not 2."),
        ("number: 0", "m.number: must be greater than 0, not 0."),
        ("number: x", "m.number: must be a number, not 'x'."),
        ("number: null", "m.number: must be a number, not null."),
        (f"size: {'9' * 5000}", f"m.size: must be an integer or 'auto', not '{'9' * 55}...'."),
        (f"finite: {'9' * 5000}", f"m.finite: must be a number, not '{'9' * 55}...'."),
        ("finite: .inf", "m.finite: must be a finite number, not .inf."),
        ("flag: 7", "m.flag: must be true or false, not 7."),
        ("file: []", "m.file: must be a path, not a list."),
        ("size: x", "m.size: must be an integer or 'auto', not 'x'."),
        ("size: aut", "m.size: must be an integer or 'auto', not 'aut'. Did you mean 'auto'?"),
        ("amount: []", "m.amount: must be an integer or a number or text, not a list."),
        ("triple: [1, 2]", "m.triple: needs at least 3 items."),
        ("triple: [1, 2, 3, 4]", "m.triple: must have at most 3 items, not 4."),
        ("triple: [1, 2, z]", "m.triple[2]: must be an integer, not 'z'."),
        ("triple: 3", "m.triple: must be a list, not 3."),
        ("few: [1, 2, 3]", "m.few: must have at most 2 items, not 3."),
        ("even: 3", "m.even: must be a multiple of 2, not 3."),
        ("even: 12", "m.even: must be at most 10, not 12."),
        ("even: 1.5", "m.even: must be an integer, not 1.5."),
        ("inner: 3", "m.inner: must be a mapping of keys to values, not 3."),
        ("inner: {dept: 3}", "m.inner.dept: unknown key 'dept'. Did you mean 'depth'? Known keys: depth, note."),
        ("inner: {note: 123456}", "m.inner.note: must be text, not 123456. Put it in quotes."),
        ("inner: {note: abcdef}", "m.inner.note: must be text of at most 5 characters, not 'abcdef'."),
        ("table: {a: {b: 1}}", "m.table.a.b: unknown key 'b'. Known keys: depth, note."),
        ("table: {3: {}}", "m.table[3]: must be text, not 3. Put it in quotes."),
        ("per_class: {1: z}", "m.per_class[1]: must be a number, not 'z'."),
        ("per_class: {z: 1}", "m.per_class.z: must be an integer, not 'z'."),
        ("rate: {kind: constant, rate: 1, every: 3}", "m.rate.every: unknown key 'every'. Known keys: kind, rate."),
        ("names: [a, a]", "m.names: names 'a' more than once."),
        ("names: 3", "m.names: must be a mapping of keys to values or a list, not 3."),
        ("nested: [{kind: many, nested: [{kind: residual, channels: 1, x: 3}]}]",
         "m.nested[0].nested[0].x: unknown key 'x'. Known keys: channels, kind."),
    ],
)  # fmt: skip
def test_each_kind_of_error_is_told_in_plain_english(problems, recipe_text, fields, message):
    found = problems(with_block(recipe_text, fields))
    assert len(found) == 1
    place, _, rest = found[0].partition(" ")
    assert place.startswith("recipes/x.yaml:11:") and rest == f"generator.blocks.{message}"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("number: true", "number: must be a number, not true."),
        ("number: '0.5'", "number: must be a number, not '0.5'."),
        ("even: true", "even: must be an integer, not true."),
        ("even: '4'", "even: must be an integer, not '4'."),
        ("few: [1, 2_0]", "few[1]: must be an integer, not '2_0'."),
        ("table: {a: {depth: false}}", "table.a.depth: must be an integer, not false."),
        ("per_class: {1: true}", "per_class[1]: must be a number, not true."),
        ("flag: 1", "flag: must be true or false, not 1."),
        ("flag: 'on'", "flag: must be true or false, not 'on'."),
        ("power: true", "power: must be 1, 2 or 4, not true."),
        ("power: '2'", "power: must be 1, 2 or 4, not '2'."),
        ("when: 0", "when: must be True, False or 'later', not 0."),
    ],
)
def test_nothing_is_taken_for_what_it_only_looks_like(problems, recipe_text, fields, message):
    (problem,) = problems(with_block(recipe_text, fields))
    assert problem.partition("blocks.m.")[2] == message


def test_whole_numbers_may_be_written_as_floats_and_floats_as_whole_numbers(load, recipe_text):
    fields = "finite: 2, even: 4.0, per_class: {3: 1}, power: 2.0, when: false"
    block = load(with_block(recipe_text, fields)).recipe.generator.blocks["m"]
    assert (block.finite, block.even, block.per_class, block.power, block.when) == (2.0, 4, {3: 1.0}, 2, False)


def test_overrides_are_held_to_the_same_numbers(problems, recipe_text):
    assert problems(recipe_text, "seed=true") == [
        "seed: must be an integer, not true. Set by the override 'seed=true'."
    ]
    assert problems(recipe_text, "seed='5'") == ["seed: must be an integer, not '5'. Set by the override 'seed='5''."]
    assert problems(recipe_text, "seed=1_000") == [
        "seed: must be an integer, not '1_000'. Set by the override 'seed=1_000'."
    ]


def test_members_of_a_union_each_list_their_own_keys(problems, recipe_text):
    assert [text.split(" ", 1)[1] for text in problems(with_block(recipe_text, "either: {widht: 3}"))] == [
        "generator.blocks.m.either.widht: unknown key 'widht'. Known keys: depth, note.",
        "generator.blocks.m.either.widht: unknown key 'widht'. Did you mean 'width'? Known keys: width.",
    ]


def test_an_error_in_an_aliased_value_points_at_the_text(problems, recipe_text):
    found = problems(swapped(recipe_text, ("rate: 1e-4", "rate: -1")))
    assert found == [
        "recipes/x.yaml:28:50 stages[0].generator_rate.rate: must be greater than 0, not -1.",
        "recipes/x.yaml:28:50 stages[0].discriminator_rate.rate: must be greater than 0, not -1.",
    ]


def test_broken_plugins_are_named_where_they_may_be_to_blame(load, components, recipe_text, monkeypatch):
    monkeypatch.setattr(components, "broken", [BrokenPlugin("mylab", "mylab 1.0", "ImportError: torchx")])
    with pytest.raises(RecipeError, match=r"Plugins that failed to load: mylab \(see `ganforge plugins`\)\.$"):
        load(swapped(recipe_text, ("kind: logistic", "kind: mylab_loss")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "recipes/x.yaml is empty, but a recipe has keys such as name, data and stages."),
        (b"# only words\n", "recipes/x.yaml is empty, but a recipe has keys such as name, data and stages."),
        (b"- a\n", "recipes/x.yaml:1:1 a recipe must be a mapping of keys to values, such as `name: first_try`."),
        (b"a: 1\nb: \xff\n", "recipes/x.yaml:2:4 not UTF-8: the byte 0xff can't be read. Save the file as UTF-8."),
        (b"a" * 1_000_001, "recipes/x.yaml:1:1 is larger than 1 MB; recipes have a few kilobytes."),
    ],
)
def test_files_that_are_no_recipe_are_refused(problems, content, message):
    assert problems(content) == [message]


def test_ten_megabytes_are_refused_in_a_tenth_of_a_second(problems):
    start = time.process_time()
    problems(b"a: 1\n" * 2_000_000)
    assert time.process_time() - start < 0.1


def test_a_byte_order_mark_is_no_fault(load, recipe_text):
    assert load(b"\xef\xbb\xbf" + recipe_text.encode()).recipe.name == "small"


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path, components):
    os.mkfifo(tmp_path / "pipe")
    for name, message in [("none.yaml", "does not exist."),
                          ("x" * 300, "can't be read: File name too long."), ("", "is a folder, not a recipe."),
                          ("pipe", "is not a regular file.")]:  # fmt: skip
        with pytest.raises(RecipeError) as caught:
            load_recipe(tmp_path / name, [], components)
        assert str(caught.value) == f"{tmp_path / name} {message}"


def test_problems_of_a_later_check_get_their_place(load, recipe_text):
    loaded = load(recipe_text, "training.batch=3")
    assert str(loaded.located(Problem("is too wide.", ("generator", "blocks", "resnet_3_0")))) == (
        "recipes/x.yaml:11:5 generator.blocks.resnet_3_0: is too wide."
    )
    assert str(loaded.located(Problem("matches nothing.", ("stages", 0, "generator", 0)))) == (
        "recipes/x.yaml:27:9 stages[0].generator[0]: matches nothing."
    )
    assert str(loaded.located(Problem("is too large.", ("split", "held_out")))) == (
        "recipes/x.yaml:1:1 split.held_out: is too large."
    )
    assert str(loaded.located(Problem("is odd.", ("training", "batch")))) == (
        "training.batch: is odd. Set by the override 'training.batch=3'."
    )


def test_a_problem_of_a_part_names_the_overrides_in_it(load, problems, recipe_text):
    loaded = load(recipe_text, "data.root=/gone", "generator.blocks.head.channels=16")
    assert str(loaded.located(Problem("is not there.", ("data",)))) == (
        "recipes/x.yaml:3:1 data: is not there. data.root is set by the override 'data.root=/gone'."
    )
    assert str(loaded.located(Problem("is wrong.", ("generator", "blocks", "resnet_3_0")))) == (
        "recipes/x.yaml:11:5 generator.blocks.resnet_3_0: is wrong."
    )
    assert problems(recipe_text, "stages[0]={name: a, steps: 1}") == [
        "stages[0]: needs a value for 'generator_rate'. Set by the override 'stages[0]={name: a, steps: 1}'.",
        "stages[0]: needs a value for 'discriminator_rate'. Set by the override 'stages[0]={name: a, steps: 1}'.",
    ]
    assert problems(recipe_text, "data.kind=null") == [
        "data.kind: must be the name of one of: folder. Set by the override 'data.kind=null'."
    ]
    assert problems(recipe_text, "data.root=") == [
        "data.root: must be a path, not ''. Set by the override 'data.root='."
    ]
    assert problems(recipe_text, "output.folder=") == [
        "output.folder: must be a path, not ''. Set by the override 'output.folder='."
    ]


def test_problems_of_a_later_check_come_in_the_order_of_the_file(load, recipe_text):
    loaded = load(recipe_text, "training.batch=3")
    error = loaded.error(
        [Problem("c.", ("training", "batch")), Problem("b.", ("stages",)), Problem("a.", ("generator", "latent_dim"))]
    )
    assert [problem.message for problem in error.problems] == ["a.", "b.", "c. Set by the override 'training.batch=3'."]


def test_every_value_tells_where_it_came_from(load, recipe_text):
    rows = resolved_lines(load(recipe_text, "training.batch=3"))
    for row in [
        ResolvedLine("name", "small", "recipes/x.yaml:1:7"),
        ResolvedLine("description", '""', "default"),
        ResolvedLine("generator.blocks.head.channels", "8", "recipes/x.yaml:10:17"),
        ResolvedLine("training.batch", "3", "override 'training.batch=3'"),
        ResolvedLine("training.regularisers[0].every", "1", "default"),
        ResolvedLine("training.regularisers[0].gamma", "5.0", "recipes/x.yaml:20:25"),
        ResolvedLine("stages[0].discriminator_rate.rate", "0.0001", "recipes/x.yaml:28:50"),
        ResolvedLine("output.folder", "runs", "default"),
    ]:
        assert row in rows
    assert len({row.path for row in rows}) == len(rows)


def test_loading_a_recipe_imports_no_torch():
    code = (
        "import sys, ganforge.recipe.load, ganforge.recipe.dump, ganforge.recipe.schema, ganforge.recipe.resolved; "
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_of_very_many_mistakes_the_first_are_told_and_the_others_counted(load, recipe_text):
    text = recipe_text[: recipe_text.index("stages:")] + f"stages: [{'{}, ' * 5000}]\n"
    with pytest.raises(RecipeError) as caught:  # comparing each with each took hours
        load(text)
    assert len(caught.value.problems) == MOST + 1
    # name, steps and two rates are missing in each; and the last comma leaves a null
    assert caught.value.problems[-1].message == f"and {4 * 5000 + 1 - MOST:,} more, to be told when these are mended."
