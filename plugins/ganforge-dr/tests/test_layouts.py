"""Every public layout is read as it is published, and what is none of them is refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.data.images import LabelledImages, LoadContext
from ganforge.errors import DataError
from ganforge_dr.dataset import DiabeticRetinopathy

UNKNOWN = "is no diabetic retinopathy set that is known. Looked for "
FORMS = "columns image,quality,DR_grade (EyeQ) or columns image,level (EyePACS) or columns id_code,diagnosis (APTOS)"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def context(tmp_path: Path, said: list[str]) -> LoadContext:
    return LoadContext(tmp_path / "cache", warn=said.append)


def photograph(file: Path, level: int = 200) -> None:
    y, x = np.mgrid[:16, :16] - 7.5
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.hypot(x, y) < 7.5).astype(np.uint8)[..., None] * np.uint8([level, 90, 40])).save(file)


def fill(root: Path, *names: str) -> None:
    for i, name in enumerate(names):
        photograph(root / name, 150 + 20 * i)


def load(root: Path, context: LoadContext, **fields: object) -> LabelledImages:
    return DiabeticRetinopathy.model_validate({"root": root, **fields}).load(8, context)


def refusal(root: Path, context: LoadContext, **fields: object) -> str:
    with pytest.raises(DataError) as error:
        load(root, context, **fields)
    return str(error.value)


def test_grade_folders_are_read(root: Path, context: LoadContext, said: list[str]) -> None:
    fill(root, "0/10_left.jpg", "0/10_right.jpg", "2/11_left.jpg", "4/x.png")
    images = load(root, context)
    assert images.labels.tolist() == [0, 0, 2, 4] and images.groups == ["10", "10", "11", "4/x.png"]
    assert images.card.classes == ("0 no DR", "1 mild", "2 moderate", "3 severe", "4 proliferative")
    assert images.card.name == "set (grade folders)" and not images.card.is_phantom
    assert said == [
        "the patient of 1 of 4 images is not known from the file's name (known form: 10_left); each counts as a "
        "patient of its own, so two eyes of one patient may be parted.",
        "no image has grade 1 mild, 3 severe.",
    ]


@pytest.mark.parametrize("folder", ["", "train/", "images/"])
def test_eyepacs_is_read(root: Path, context: LoadContext, folder: str) -> None:
    fill(root, f"{folder}10_left.jpeg", f"{folder}10_right.jpeg", f"{folder}9_left.jpeg")
    (root / "trainLabels.csv").write_text("image,level\n10_left,0\n10_right,3\n9_left,1\n")
    images = load(root, context)
    assert images.labels.tolist() == [0, 3, 1] and images.groups == ["10", "10", "9"]
    assert images.card.name == "set (EyePACS)" and "Kaggle" in images.card.licence


def test_eyeq_is_read(root: Path, context: LoadContext, said: list[str]) -> None:
    fill(root, "10_left.jpeg", "10_right.jpeg")
    (root / "Label_EyeQ_train.csv").write_text(",image,quality,DR_grade\n0,10_left.jpeg,0,4\n1,10_right.jpeg,2,1\n")
    assert load(root, context).labels.tolist() == [4, 1]
    expected = f"1 rows of {root}/Label_EyeQ_train.csv have quality 2 (reject); their images are used like all others."
    assert expected in said


def test_aptos_is_read(root: Path, context: LoadContext, said: list[str]) -> None:
    fill(root, "train_images/000c1434d8d7.png", "train_images/001639a390f0.png")
    (root / "train.csv").write_text("id_code,diagnosis\n000c1434d8d7,2\n001639a390f0,4\n")
    (root / "test.csv").write_text("id_code\nx\n")
    assert load(root, context).labels.tolist() == [2, 4]
    assert said[0].startswith("the patient of 2 of 2 images is not known")


def test_a_table_can_be_named(root: Path, context: LoadContext) -> None:
    fill(root, "10_left.jpeg", "11_left.jpeg")
    (root / "a.csv").write_text("image,level\n10_left,0\n")
    (root / "b.csv").write_text("image,level\n10_left,1\n11_left,2\n")
    assert load(root, context, labels="b.csv").labels.tolist() == [1, 2]
    assert refusal(root, context) == (
        f"{root} has several tables of labels: a.csv (EyePACS), b.csv (EyePACS). Choose one with `labels: FILE`."
    )


def test_a_part_of_eyepacs_needs_a_word(root: Path, context: LoadContext) -> None:
    fill(root, "10_left.jpeg")
    (root / "trainLabels.csv").write_text("image,level\n10_left,0\n10_right,0\n")
    assert refusal(root, context) == (
        f"{root}/trainLabels.csv can't be used (1 problem):\n"
        f"  row 3: there is no image '10_right' in {root}.\n"
        "1 of 2 images were found. If the set is meant to be a part, leave the others out with `allow_missing: true`."
    )
    assert len(load(root, context, allow_missing=True)) == 1


def test_an_agreeing_table_beside_grade_folders_is_fine(root: Path, context: LoadContext) -> None:
    fill(root, "0/10_left.jpg", "2/11_left.jpg")
    (root / "labels.csv").write_text("image,level\n10_left,0\n11_left,2\n12_left,4\n")
    assert load(root, context).labels.tolist() == [0, 2]


def test_a_contradiction_is_refused(root: Path, context: LoadContext) -> None:
    fill(root, "0/10_left.jpg", "2/11_left.jpg", "3/11_left.jpg")
    (root / "labels.csv").write_text("image,level\n10_left,4\n11_left.jpeg,2\n")
    assert refusal(root, context) == (
        f"{root} contradicts itself (2 problems):\n"
        "  3/11_left.jpg has the name of 2/11_left.jpg; an image has one grade.\n"
        "  labels.csv row 2: grade 4 for 0/10_left.jpg.\n"
        "Correct the table or the folders, or move the table away."
    )


def test_a_folder_that_is_no_grade_is_refused(root: Path, context: LoadContext) -> None:
    fill(root, "0/10_left.jpg", "5/11_left.jpg")
    assert refusal(root, context) == (
        f"{root} has folders that are no grades (1 problem):\n"
        "  folder '5' is none of the grades 0 to 4.\n"
        "Move them away, or name a table with `labels: FILE`."
    )


def test_an_unknown_layout_says_what_was_looked_for_and_found(root: Path, context: LoadContext) -> None:
    assert refusal(root, context) == (
        f"{root} {UNKNOWN}grade folders 0 to 4, or a CSV table with the {FORMS}. The folder is empty."
    )
    fill(root, "No_DR/x.png")
    (root / "meta.csv").write_text("file,grade\n")
    assert refusal(root, context).endswith("Found: No_DR/, meta.csv.")
    assert refusal(root, context, labels="meta.csv") == (
        f"{root}/meta.csv {UNKNOWN}a CSV table with the {FORMS}. Its columns: file,grade."
    )
    assert refusal(root, context, layout="folders") == (f"{root} has no grade folders 0 to 4. Found: No_DR/, meta.csv.")
    assert "Looked for a CSV table with the columns id_code,diagnosis (APTOS)." in refusal(
        root, context, layout="aptos"
    )


def test_images_in_two_places_are_refused(root: Path, context: LoadContext) -> None:
    (root / "trainLabels.csv").write_text("image,level\n10_left,0\n")
    looked_in = f"{root}, {root}/train, {root}/images, {root}/train_images."
    assert refusal(root, context) == f"there are no images to the table. Looked in: {looked_in}"
    fill(root, "train/10_left.jpeg", "images/10_left.jpeg")
    assert refusal(root, context) == (
        f"several folders hold images: {root}/train, {root}/images. Keep those of the table in one of: {looked_in}"
    )


def test_an_unknown_grade_is_refused(root: Path, context: LoadContext) -> None:
    fill(root, "10_left.jpeg")
    (root / "trainLabels.csv").write_text("image,level\n10_left,5\n")
    assert "row 2: no class is called '5'. Classes: 0, 1, 2, 3, 4." in refusal(root, context)


@pytest.mark.skipif(
    "GANFORGE_TEST_DATA" not in os.environ,
    reason="set GANFORGE_TEST_DATA to a folder with fundus/ to run this on photographs",
)
def test_the_photographs_are_grade_folders(context: LoadContext) -> None:
    from ganforge_dr.photographs import list_photographs

    root = Path(os.environ["GANFORGE_TEST_DATA"]) / "fundus"
    listing = list_photographs(root, "auto", None, False, context.warn).listing
    assert [listing.labels.count(grade) for grade in range(5)] == [1085, 83, 220, 36, 32]
    assert len(set(listing.groups)) == 730
