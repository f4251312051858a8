"""The dataset `csv`."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ganforge.data.images import LoadContext
from ganforge.data.specs import CsvTable
from ganforge.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    for i, name in enumerate(["one.png", "two.jpeg", "sub/three.png"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (i * 40, 0, 0)).save(root / name)
    return root


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def context(tmp_path: Path, said: list[str]) -> LoadContext:
    return LoadContext(tmp_path / "cache", warn=said.append)


def table(root: Path, text: str, **fields: object) -> CsvTable:
    (root / "t.csv").write_bytes(text.encode())
    return CsvTable.model_validate({"root": root, "table": "t.csv", **fields})


def refusal(spec: CsvTable, context: LoadContext) -> str:
    with pytest.raises(DataError) as error:
        spec.load(4, context)
    return str(error.value)


def test_names_may_lack_their_suffix_and_lie_in_folders(root: Path, context: LoadContext) -> None:
    images = table(root, "image,label\none.png,dog\ntwo,cat\nsub/three,dog\n").load(4, context)
    assert images.card.classes == ("cat", "dog")
    assert images.names == ["one.png", "two.jpeg", "sub/three.png"] and images.labels.tolist() == [1, 0, 1]


@pytest.mark.parametrize("start", ["", "\N{ZERO WIDTH NO-BREAK SPACE}"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_marks_line_ends_spaces_and_blank_lines_do_not_matter(
    root: Path, context: LoadContext, start: str, end: str
) -> None:
    text = start + end.join(["image , label", '"one", a', "", "two,b "])
    images = table(root, text).load(4, context)
    assert images.card.classes == ("a", "b") and images.labels.tolist() == [0, 1]


def test_columns_can_be_named_and_patients_given(root: Path, context: LoadContext) -> None:
    spec = table(root, "file,dx,who\none,x,7\ntwo,x,7\n", image="file", label="dx", patient="who", classes=["y", "x"])
    images = spec.load(4, context)
    assert images.groups == ["7", "7"] and images.labels.tolist() == [1, 1] and spec.classes() == ("y", "x")


def test_every_bad_row_is_named_with_its_number(root: Path, context: LoadContext) -> None:
    Image.new("RGB", (4, 4)).save(root / "two.png")
    rows = ["one,a", "one.png,a", "two,a", "none,a", "../x,a", "/etc/x,a", "sub/three,", "sub/three,c", ",a", "a,b,c"]
    text = refusal(table(root, "\n".join(["image,label", *rows]), classes=["a", "b"]), context)
    assert text == (
        f"{root}/t.csv can't be used (10 problems):\n"
        "  row 3: 'one.png' stands in row 2 already.\n"
        "  row 4: 'two' could be any of two.jpeg, two.png; give the suffix.\n"
        f"  row 5: there is no image 'none' in {root}. Did you mean 'one'?\n"
        f"  row 6: '../x' leads out of {root}.\n"
        f"  row 7: '/etc/x' leads out of {root}.\n"
        "  row 8: the label is blank.\n"
        "  row 9: no class is called 'c'. Classes: a, b.\n"
        "  row 9: 'sub/three' stands in row 8 already.\n"
        "  row 10: the image's name is blank.\n"
        "  row 11: has 3 cells, but the header has 2.\n"
        "2 of 3 images were found. If the set is meant to be a part, leave the others out with `allow_missing: true`."
    )


def test_a_part_of_a_set_is_used_only_if_that_is_asked_for(root: Path, context: LoadContext, said: list[str]) -> None:
    images = table(root, "image,label\none,a\nnone,b\n", allow_missing=True).load(4, context)
    assert images.names == ["one.png"] and images.card.classes == ("a", "b")
    assert said == [
        f"1 of 2 rows of {root}/t.csv have no image in {root} and were left out.",
        f"1 images in {root} are not in {root}/t.csv and are not used, such as two.jpeg.",
    ]


def test_a_table_without_any_image_is_refused(root: Path, context: LoadContext) -> None:
    text = refusal(table(root, "image,label\nnone,b\n", allow_missing=True), context)
    assert text == f"{root}/t.csv names no image that is in {root}."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"image,lable\none,a\n", "{} has no column 'label'. Did you mean 'lable'? Columns: 'image', 'lable'."),
        (
            b"image:label\none:a\n",
            "{0} has no column 'label'. Did you mean 'image:label'? Columns: 'image:label'.",
        ),
        (b"", "{} is empty; its first line must name the columns."),
        (b"image,label,label\n", "{} names the column 'label' more than once."),
        (b"image,label\n", "{} has no labels in its column 'label'."),
        (b"image,label\n\xff,a\n", "{} is not UTF-8 (byte 12); save it as CSV in UTF-8."),
        (b'image,label\n"one,a\n', "{}:2 is no CSV: unexpected end of data."),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(root: Path, content: bytes, message: str) -> None:
    (root / "t.csv").write_bytes(content)
    with pytest.raises(DataError) as error:
        CsvTable(root=root, table=Path("t.csv")).classes()
    assert str(error.value) == message.format(root / "t.csv")


def test_what_can_not_be_looked_for_is_named_with_its_row(root: Path, context: LoadContext) -> None:
    name = "x" * 300
    text = refusal(table(root, f"image,label\none.png,dog\n{name}/three.png,dog\n"), context)
    assert f"  row 3: '{name}/three.png' can't be looked for: File name too long." in text.splitlines()
    with pytest.raises(DataError, match=rf"^{root}/{name} can't be read: File name too long\.$"):
        CsvTable(root=root, table=Path(name)).load(4, context)


def test_a_missing_table_is_named(root: Path) -> None:
    with pytest.raises(DataError) as error:
        CsvTable(root=root, table=Path("u.csv")).classes()
    assert str(error.value) == f"there is no table {root}/u.csv."


def test_a_spec_survives_dump_and_validate(root: Path) -> None:
    spec = CsvTable(root=root, table=Path("t.csv"), classes=("a",))
    assert CsvTable.model_validate(spec.model_dump()) == spec
