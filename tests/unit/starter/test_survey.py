"""What a folder of pictures is found to be, and what is said where there is nothing to learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from ganforge.data.recognised import PATTERNS
from ganforge.data.specs import ImageFolder
from ganforge.errors import DataError, UsageError
from ganforge.registry import Components
from ganforge.starter import survey as module
from ganforge.starter.survey import survey
from ganforge_dr.dataset import DiabeticRetinopathy

Drawn = Callable[..., Path]


def refused(root: Path, components: Components, kind: str | None = None) -> str:
    with pytest.raises((DataError, UsageError)) as caught:
        survey(root, components, kind)
    return str(caught.value)


def test_class_folders_are_counted_and_measured(drawn: Drawn, components: Components) -> None:
    root = drawn({"b": 3, "a": 2}, size=(100, 80))
    drawn({"a": ["tall", "wide"]}, size=(50, 70), root=root)
    found = survey(root, components)
    assert found.spec == ImageFolder(root=root)
    assert (found.classes, found.counts, found.num_images) == (("a", "b"), (4, 3), 7)
    assert (found.smallest, found.side, found.largest) == (50, 80, 80)
    assert (found.num_headers, found.num_grey, found.notes) == (7, 0, ())


@pytest.mark.parametrize("mode", ["L", "1", "I;16", "LA"])
def test_pictures_without_colour_are_grey(drawn: Drawn, components: Components, mode: str) -> None:
    found = survey(drawn({"a": 2, "b": 2}, mode=mode), components)
    assert found.num_grey == found.num_headers == 4


def test_files_named_after_a_patient_are_kept_together(drawn: Drawn, components: Components) -> None:
    stems = [f"case{number}_{eye}" for number in range(10) for eye in ("left", "right")]
    found = survey(drawn({"a": stems, "b": stems}), components)
    assert found.spec == ImageFolder(root=found.spec.root, patient=PATTERNS[0])  # type: ignore[attr-defined]
    assert found.num_patients == 10
    assert found.notes[0].startswith("files such as 'case0_left' look like several pictures of one patient or sample,")


@pytest.mark.parametrize(
    "classes",
    [
        {"a": [f"img_{number}" for number in range(30)], "b": 3},  # one prefix for all
        {name: [f"{name}_{number}" for number in range(3)] for name in "abcdefghijkl"},  # the prefix is the class
        {"a": 40, "b": 40},  # no two files of one patient
    ],
)
def test_names_that_tell_no_patient_are_not_taken_for_one(
    drawn: Drawn, components: Components, classes: dict[str, int | list[str]]
) -> None:
    found = survey(drawn(classes), components)
    assert found.spec == ImageFolder(root=found.spec.root)  # type: ignore[attr-defined]


def test_folders_without_pictures_are_left_out_and_named(drawn: Drawn, components: Components) -> None:
    root = drawn({"a": 2, "b": 2, "notes": 0})
    found = survey(root, components)
    assert found.spec == ImageFolder(root=root, classes=("a", "b"))
    assert found.notes == ("folders without pictures are left out: notes.",)


def test_classes_that_may_be_one_are_named(drawn: Drawn, components: Components) -> None:
    root = drawn({"large": 2, "LARGE ": 2, "small": 2})
    assert (
        survey(root, components).notes[-1].startswith("the classes 'LARGE ', 'large' differ only in case or spaces. If")
    )


def test_a_table_or_names_of_eyepacs_are_diabetic_retinopathy(drawn: Drawn, components: Components) -> None:
    by_name = drawn({str(grade): [f"{grade}{n}_left" for n in range(2)] for grade in range(5)})
    assert survey(by_name, components).spec == DiabeticRetinopathy(root=by_name)
    assert survey(by_name, components, "image_folder").spec == ImageFolder(root=by_name)
    by_table = drawn({"train": [f"{n}_left" for n in range(10)]}, root=by_name.with_name("kaggle"))
    rows = "\n".join(f"{n}_left,{n % 5}" for n in range(10))
    (by_table / "trainLabels.csv").write_text(f"image,level\n{rows}\n")
    found = survey(by_table, components)
    assert (found.spec, found.counts) == (DiabeticRetinopathy(root=by_table), (2, 2, 2, 2, 2))


def test_folders_0_to_4_alone_could_be_knees(drawn: Drawn, components: Components) -> None:
    root = drawn({str(grade): 2 for grade in range(5)})
    assert survey(root, components).spec == ImageFolder(root=root)


def test_headers_of_a_large_set_are_read_at_equal_distances(
    drawn: Drawn, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_HEADERS", 5)
    assert survey(drawn({"a": 10, "b": 10}), components).num_headers == 5


def test_all_classes_that_no_split_can_divide_are_named(drawn: Drawn, components: Components) -> None:
    assert refused(drawn({"a": 1, "b": 2, "c": 1}), components).splitlines()[1:] == [
        "  class 'a' has 1 picture; a class needs two at least, one to train on and one to test with.",
        "  class 'c' has 1 picture; a class needs two at least, one to train on and one to test with.",
        "Add some, or move the folder of that class away.",
    ]


def test_all_pictures_that_cannot_be_used_are_named(drawn: Drawn, components: Components) -> None:
    root = drawn({"a": 2, "b": 2})
    (root / "a" / "im000.png").write_text("no picture")
    (root / "b" / "im001.png").write_bytes(b"")
    assert refused(root, components).splitlines() == [
        f"pictures in {root} can't be used (2 problems):",
        "  a/im000.png is text, not a picture.",
        "  b/im001.png is empty.",
        "Repair them, or move them away.",
    ]


def test_where_there_is_nothing_to_learn_from_it_is_said_what_to_do(
    drawn: Drawn, components: Components, tmp_path: Path
) -> None:
    empty, flat, nested, tabled = (tmp_path / name for name in ("empty", "flat", "nested", "tabled"))
    empty.mkdir()
    assert refused(empty, components) == f"{empty} is empty. Put one folder of pictures for each class into it."
    drawn({".": 2}, root=flat)
    assert "holds 2 pictures, but no class folders. Sort them into one folder for each class" in refused(
        flat, components
    )
    drawn({"train/a": 1, "train/b": 1, "test/a": 1}, root=nested)
    assert f"Name one of them: {nested}/test, {nested}/train." in refused(nested, components)
    drawn({"mixed": 2}, root=nested)
    assert f"Name one of them: {nested}/test, {nested}/train." in refused(nested, components)
    drawn({"images": 0, ".": 2}, root=tabled)
    (tabled / "mine.csv").write_text("file,diagnosis\nim000,x\n")
    assert f"`ganforge new recipe {tabled}/mine.csv` says what it finds in it." in refused(tabled, components)
    text = refused(tabled / "mine.csv", components)
    assert f"data: {{kind: csv, table: {tabled}/mine.csv, root: {tabled}, image: file, label: COLUMN}}" in text
    (tabled / "notes.txt").write_text("x")
    assert "is no folder of pictures, and no table" in refused(tabled / "notes.txt", components)
    text = refused(tabled / "mine.csv", components, "image_folder")
    assert "is a table, which datasets of the kind 'image_folder' don't read" in text
    assert "there is no folder" in refused(tmp_path / "nowhere", components)
    assert refused(empty.parent / "empty", components, "no_such_kind").startswith(
        "no dataset is called 'no_such_kind'."
    )
    (empty / "notes.txt").write_text("x")
    assert "holds no pictures (JPEG, PNG, TIFF or BMP)." in refused(empty, components)


def test_a_picture_of_too_many_pixels_is_found_by_its_header(drawn: Drawn, components: Components) -> None:
    root = drawn({"a": 2, "b": 2})
    Image.new("1", (10_000, 7_000)).save(root / "a" / "huge.png")
    assert "a/huge.png has more than 64 megapixels" in refused(root, components)
