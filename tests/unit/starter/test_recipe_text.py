"""A first recipe is sound, says why, and has the networks of the best recipe."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ganforge.errors import DataError, OutputError, UsageError
from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.recipe.models import Recipe, SplitSpec
from ganforge.registry import Components
from ganforge.starter.choices import choose
from ganforge.starter.parts import Parts, parts_of
from ganforge.starter.recipe import default_name, recipe_text
from ganforge.starter.survey import survey
from ganforge.starter.write import SCHEMA_FILE, new_recipe

Drawn = Callable[..., Path]
ROOT = Path(__file__).parents[3]
ALL = Parts(True, True, ("kd", "fd", "prdc", "memorisation", "label_agreement", "downstream"))


def written(root: Path, components: Components, tmp_path: Path, parts: Parts = ALL) -> tuple[Recipe, str]:
    """The recipe for a folder, checked as `ganforge check` does, and its text."""
    found = survey(root, components)
    text = recipe_text("first", found, choose(found), parts, SCHEMA_FILE)
    file = tmp_path / "first.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_recipe(file, (), components)
    plan_recipe(loaded)
    return loaded.recipe, text


def test_the_best_that_we_know_is_installed_here(components: Components) -> None:
    assert parts_of(components) == ALL and ALL.missing == ()


def test_what_does_not_depend_on_the_pictures_is_that_of_dr_best(
    drawn: Drawn, components: Components, tmp_path: Path
) -> None:
    recipe, _ = written(drawn({"a": 30, "b": 30}), components, tmp_path)
    best = load_recipe(ROOT / "recipes" / "dr_best.yaml", (), components).recipe
    assert (recipe.generator, recipe.discriminator, recipe.source) == (best.generator, best.discriminator, best.source)
    same = {"batch": best.training.batch, "sampler": best.training.sampler}
    assert recipe.training.model_copy(update=same) == best.training
    assert recipe.stages[0].model_copy(update={"steps": best.stages[0].steps}) == best.stages[0].model_copy(
        update={"generator": ()}  # `train: "*"` says what is so without it
    )
    assert [spec.kind for spec in recipe.evaluation.evaluators] == [
        "kd", "fd", "prdc", "memorisation", "label_agreement", "downstream",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "parts",
    [
        Parts(False, True, ALL.evaluators),
        Parts(True, False, ALL.evaluators),
        Parts(True, True, ()),
        Parts(False, False, ()),
    ],
)
def test_a_recipe_does_without_what_is_not_installed(
    drawn: Drawn, components: Components, tmp_path: Path, parts: Parts
) -> None:
    recipe, _ = written(drawn({"a": 3, "b": 3}), components, tmp_path, parts)
    assert (recipe.source is not None) is parts.source
    assert (recipe.discriminator.features is not None) is parts.features
    assert bool(recipe.evaluation.evaluators) is bool(parts.evaluators)
    assert len(parts.missing) == [parts.source, parts.features, bool(parts.evaluators)].count(False)


def test_one_class_is_trained_on_without_a_label(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    recipe, _ = written(drawn({"only": 12}), components, tmp_path)
    assert recipe.generator.label == recipe.discriminator.label == ()
    assert recipe.training.wrong_labels == 0
    assert "label_agreement" not in [spec.kind for spec in recipe.evaluation.evaluators]


@pytest.mark.parametrize(
    ("counts", "sampler"),
    [((30, 40), "natural"), ((20, 200), "square_root"), ((200, 400), "balanced"), ((30,), "natural")],
)
def test_the_sampler_follows_from_the_imbalance(
    drawn: Drawn, components: Components, tmp_path: Path, counts: tuple[int, ...], sampler: str
) -> None:
    recipe, text = written(drawn(dict(zip("abc", counts, strict=False))), components, tmp_path)
    assert recipe.training.sampler.kind == sampler
    assert f"{max(counts):,}" in text


@pytest.mark.parametrize(("num_images", "held_out", "batch"), [(8, 0.3, 4), (60, 0.3, 32), (120, 0.2, 32)])
def test_small_sets_hold_more_out_and_have_smaller_batches(
    drawn: Drawn, components: Components, tmp_path: Path, num_images: int, held_out: float, batch: int
) -> None:
    recipe, _ = written(drawn({"a": num_images // 2, "b": num_images // 2}), components, tmp_path)
    assert (recipe.split.held_out, recipe.training.batch) == (held_out, batch)
    assert 19_000 < recipe.stages[0].steps * recipe.training.batch < 21_000


def test_classes_that_are_counted_are_taken_for_grades(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    _, graded = written(drawn({"0": 3, "1": 3, "2": 3}), components, tmp_path)
    _, others = written(drawn({"10": 3, "20": 3}, root=tmp_path / "others"), components, tmp_path)
    assert (graded.count("ordered: true}"), others.count("ordered: true}")) == (2, 0)


@pytest.mark.parametrize(
    "name",
    ["a: b #c", "- x", "{curly}", '"quoted"', "*star", "ünï", "new\nline", "tab\tbed", "\x1b[31m", "null", "1e3", " "],
)
def test_odd_names_of_folders_change_nothing_else_in_the_recipe(
    drawn: Drawn, components: Components, tmp_path: Path, name: str
) -> None:
    root = drawn({name: 3, "plain": 3}, root=tmp_path / f"x {name}")
    recipe, text = written(root, components, tmp_path)
    assert recipe.data.root == root  # type: ignore[attr-defined]
    assert set(recipe.data.classes()) == {name, "plain"}
    assert recipe.name == "first"
    assert all(character == "\n" or character.isprintable() for character in text)


def test_each_choice_has_its_reason_beside_it(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    _, text = written(drawn({"a": 20, "b": 100}, size=(30, 30), mode="L"), components, tmp_path)
    for reason in (
        "The pictures are smaller (all have a shorter side of 30 pixels) and will be",
        "120 pictures of 120 patients or samples. a: 20, b: 100.",
        "They are grey:",
        "(a fifth: enough to measure with",
        "The largest class has 5.0 times the images of the smallest;",
        "images shown in all, each of the 96 to train on about",
    ):
        assert reason in re.sub(r"\n *# ", " ", text)
    assert max(map(len, text.splitlines())) <= 120


def test_warnings_stand_in_the_recipe(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    root = drawn({"a": 30, "few": 3})
    drawn({"a": ["grey"]}, mode="L", root=root)
    _, text = written(root, components, tmp_path)
    assert "# Mind: a generator learns little from fewer than 20 pictures of a class: 'few' (3)." in text
    assert "# Mind: 1 of 34 pictures are grey, the others in colour;" in text


def test_folders_that_are_patients_are_asked_about(drawn: Drawn, components: Components) -> None:
    found = survey(drawn({f"patient {number}": 2 for number in range(31)}), components)
    few, many = choose(found).warnings
    assert few.endswith("'patient 8' (2), 'patient 9' (2) and 21 more.")
    assert many.startswith("there are 31 classes. Where folders stand for patients,")


def test_a_class_that_the_split_leaves_on_one_side_is_named(drawn: Drawn, components: Components) -> None:
    # both pictures of `a` are of a patient of `b`, with whom they stay
    found = replace(survey(drawn({"a": 2, "b": 6}), components), groups=tuple("xxxabcde"))
    train, unseen = found.split_counts(SplitSpec(held_out=0.3))
    assert sorted((train[0], unseen[0])) == [0, 2]
    side = "left to train on" if train[0] == 0 else "held out"
    assert any(f"none is {side}" in warning and "'a'" in warning for warning in choose(found).warnings)


def split_in_a_table(drawn: Drawn, sides: str) -> Path:
    """Ten pictures of a and ten of b; a letter of `sides` is that of a picture of each: t, h or u."""
    root = drawn({"a": 10, "b": 10})
    words = {"t": "train", "h": "held_out", "u": "unused"}
    rows = [f"{name}/im{i:03d}.png,{name},{words[side]}" for i, side in enumerate(sides) for name in "ab"]
    table = root / "labels.csv"
    table.write_text("\n".join(["file,grade,part", *rows]) + "\n")
    return table


def test_a_set_with_a_split_of_its_own_is_counted_by_it(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    table = split_in_a_table(drawn, "ttthhhhhhu")
    assert survey(table, components).split_counts(SplitSpec()) == ([3, 3], [6, 6])
    recipe, text = written(table, components, tmp_path)
    assert "each of the 6 to train on about" in re.sub(r"\n *# ", " ", text)
    assert recipe.data.split == "part" and "\nsplit:" not in text  # type: ignore[attr-defined]
    assert "# The column 'part' says which pictures are trained on and which are held out." in text


def test_a_split_of_its_own_without_a_side_is_told(drawn: Drawn, components: Components) -> None:
    (_, warning) = choose(survey(split_in_a_table(drawn, "tttttuuuuu"), components)).warnings
    assert warning == (
        "by the split that comes with the pictures, none is held out, so that there is none to measure with of 'a', "
        "'b'."
    )
    table = split_in_a_table(drawn, "hhhhhuuuuu")
    with pytest.raises(DataError, match=r"labels\.csv says which pictures are trained on, and none is\. Give some"):
        survey(table, components)


def test_nothing_is_written_over_without_force(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    root, out = drawn({"a": 2, "b": 2}), tmp_path / "mine.yaml"
    made = new_recipe(root, out, None, components)
    assert (made.file, made.schema) == (out, tmp_path / SCHEMA_FILE)
    out.write_text("mine")
    with pytest.raises(OutputError, match=r"mine.yaml is there already\. Choose another --out, or --force\."):
        new_recipe(root, out, None, components)
    assert out.read_text() == "mine"
    (tmp_path / SCHEMA_FILE).write_text("kept")
    out.unlink()
    new_recipe(root, out, None, components)
    assert (tmp_path / SCHEMA_FILE).read_text() == "kept"
    new_recipe(root, out, "another", components, force=True)
    assert "name: another\n" in out.read_text()
    assert (tmp_path / SCHEMA_FILE).read_text() != "kept"


def test_names_and_places_that_cannot_be_are_refused(drawn: Drawn, components: Components, tmp_path: Path) -> None:
    root = drawn({"a": 2, "b": 2})
    with pytest.raises(UsageError, match="a recipe can't be called 'a b'"):
        new_recipe(root, tmp_path / "x.yaml", "a b", components)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"can't write .*x\.yaml: File exists\."):
        new_recipe(root, tmp_path / "file" / "x.yaml", None, components)
    with pytest.raises(OutputError, match="is there already"):
        new_recipe(root, tmp_path, None, components, force=True)


@pytest.mark.parametrize(
    ("folder", "name"), [("My X-rays (2024)", "My_X-rays_2024"), ("..", None), ("-_-", "pictures")]
)
def test_a_recipe_is_named_after_its_folder(tmp_path: Path, folder: str, name: str | None) -> None:
    assert default_name(tmp_path / folder) == (name or tmp_path.parent.name)
