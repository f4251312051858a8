"""The dataset `csv`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from ganforge.data.images import LoadContext
from ganforge.data.specs import CsvTable
from ganforge.data.split import split_images
from ganforge.errors import DataError
from ganforge.recipe.models import SplitSpec
from ganforge.registry import Components
from ganforge.starter.survey import survey


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


#: Behind the columns that there are: what may be meant.
MEANT = (
    "\nA table needs the columns of files and classes, and the folder of the files. That may be: "
    "data='{{kind: csv, table: {0}, root: {1}, image: image, label: COLUMN}}'"
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"image,lable\none,a\n",
            "{0} has no column 'label'. Did you mean 'lable'? Columns: 'image', 'lable'." + MEANT,
        ),
        (
            b"image:label\none:a\n",
            "{0} has no column 'image'. Did you mean 'image:label'? {0} has no column 'label'. Did you mean "
            "'image:label'? Columns: 'image:label'.\nIts cells seem to be parted by ':': data.separator=:",
        ),
        (
            b"file sex diagnosis\none f a\ntwo m b\n",
            "{0} has no column 'image'. {0} has no column 'label'. Columns: 'file sex diagnosis'.\n"
            "Its cells seem to be parted by ' ': 'data.separator=\" \"'"
            + MEANT.replace("image: image", "image: file").replace("{0}, root", '{0}, separator: " ", root'),
        ),
        (
            b"file: name\none:a\ntwo\n",  # no mark is in all rows
            "{0} has no column 'image'. {0} has no column 'label'. Columns: 'file: name'."
            + MEANT.replace("image: image", 'image: "file: name"'),
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
    assert str(error.value) == message.format(root / "t.csv", root)


def test_a_wrong_separator_is_answered_with_the_right_one(root: Path, context: LoadContext) -> None:
    spec = table(root, "image,label\none,a\n", separator=";")
    assert refusal(spec, context).endswith("\nIts cells seem to be parted by ',': data.separator=,")


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


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_what_stands_between_cells_is_found_out_or_said(root: Path, context: LoadContext, mark: str) -> None:
    text = f"image{mark}label{mark}a note, a long one\none{mark}a{mark}x\ntwo{mark}b{mark}y\n"
    text = text.replace("a note, a long one", '"a note, a long one"' if mark == "," else "a note, a long one")
    assert table(root, text).load(4, context).labels.tolist() == [0, 1]
    assert table(root, text, separator=mark).load(4, context).labels.tolist() == [0, 1]
    with pytest.raises(DataError, match="has no column 'label'"):
        table(root, text, separator=":").classes()


#: How one and the same table may be written.
WRITTEN = st.tuples(
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["", '"']),
    st.sampled_from(["", "  "]),
    st.booleans(),
    st.permutations(["image", "label", "who", "note"]),
)


@given(WRITTEN, st.lists(st.sampled_from(["0", "1", "mild", "sévère"]), min_size=3, max_size=3))
def test_however_a_table_is_written_it_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, written: tuple, labels: list[str]
) -> None:
    mark, end, start, quote, blank, has_blank_lines, columns = written
    folder = tmp_path_factory.mktemp("written")
    names = ["one.png", "two.png", "three.png"]
    for name in names:
        (folder / name).write_bytes(b"")
    rows = [
        {"image": n, "label": lab, "who": f"p{i}", "note": ""}
        for i, (n, lab) in enumerate(zip(names, labels, strict=True))
    ]
    lines = [mark.join(quote + row[column] + quote + blank * (not quote) for column in columns) for row in rows]
    header = mark.join(quote + column + quote for column in columns)
    text = start + (end * (2 if has_blank_lines else 1)).join([header, *lines])
    listing = table(folder, text, patient="who").files(LoadContext(folder)).listing
    assert not listing.problems.items
    assert listing.names == tuple(names) and listing.groups == ("p0", "p1", "p2")
    assert [sorted(set(labels))[label] for label in listing.labels] == labels


#: A cell of the label column -> what is told of its row, of classes 0 to 4.
WRONG_LABELS = {
    "": "the label is blank.",
    "NaN": "the label is blank ('NaN').",
    "n/a": "the label is blank ('n/a').",
    "5": "no class is called '5'. Classes: 0, 1, 2, 3, 4.",
    "-1": "no class is called '-1'. Did you mean '1'? Classes: 0, 1, 2, 3, 4.",
    "2.0": "no class is called '2.0'. Did you mean '2'? Classes: 0, 1, 2, 3, 4.",
}


@given(st.lists(st.sampled_from(["0", "1", "2", "3", "4", *WRONG_LABELS]), min_size=1, max_size=8))
def test_every_wrong_label_is_named_with_its_row(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    folder = tmp_path_factory.mktemp("labels")
    for i in range(len(cells)):
        (folder / f"{i}.png").write_bytes(b"")
    text = "image,label\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    listing = table(folder, text, classes=[0, 1, 2, 3, 4]).files(LoadContext(folder)).listing
    expected = [f"row {i + 2}: {WRONG_LABELS[cell]}" for i, cell in enumerate(cells) if cell in WRONG_LABELS]
    assert list(listing.problems.items) == expected


def test_blank_labels_make_no_class(root: Path) -> None:
    assert table(root, "image,label\none,a\ntwo,nan\nsub/three,\n").classes() == ("a",)


def test_values_can_be_given_names(root: Path, context: LoadContext) -> None:
    spec = table(root, "image,label\none,1\ntwo,0\n", classes={0: "none", 1: "mild"})
    images = spec.load(4, context)
    assert images.card.classes == spec.classes() == ("none", "mild") and images.labels.tolist() == [1, 0]
    assert CsvTable.model_validate(spec.model_dump(mode="json")) == spec
    with pytest.raises(ValidationError, match=r"names 'x' more than once\."):
        table(root, "image,label\n", classes={0: "x", 1: "x"})


def test_a_given_split_is_used_and_a_patient_on_both_sides_refused(root: Path, context: LoadContext) -> None:
    text = "image,label,who,part\none,a,1,train\ntwo,a,2,held_out\nsub/three,a,1,{}\n"
    columns = {"patient": "who", "split": "part"}
    images = table(root, text.format("unused"), **columns).load(4, context)
    assert images.sides == ["train", "held_out", "unused"]
    train, held_out = split_images(images, SplitSpec(held_out=0.9, seed=7))
    assert (train.tolist(), held_out.tolist()) == ([0], [1])
    assert "  patient '1' is in train and in held_out." in refusal(
        table(root, text.format("held_out"), **columns), context
    )
    assert "  row 4: the split is 'test', but must be one of train, held_out, unused." in refusal(
        table(root, text.format("test"), **columns), context
    )


def test_a_given_split_is_part_of_the_fingerprint(root: Path, context: LoadContext) -> None:
    text = "image,label,part\none,a,train\ntwo,a,{}\n"
    prints = {
        table(root, text.format(side), split="part").load(4, context).card.fingerprint
        for side in ("train", "held_out", "unused")
    }
    assert len(prints | {table(root, text.format("train")).load(4, context).card.fingerprint}) == 4


def test_no_name_leads_out_of_the_folder(root: Path, context: LoadContext) -> None:
    outside = root.parent / "secret.png"
    Image.new("RGB", (4, 4)).save(outside)
    (root / "link.png").symlink_to(outside)
    (root / "away").symlink_to(root.parent)
    (root / "inside.png").symlink_to(root / "one.png")
    names = ["../secret", "sub/../../secret.png", str(outside), "link", "away/secret.png", "sub/\0.png"]
    text = refusal(table(root, "image,label\n" + "".join(f"{name},a\n" for name in names)), context)
    assert text.splitlines()[1:] == [
        f"  row 2: '../secret' leads out of {root}.",
        f"  row 3: 'sub/../../secret.png' leads out of {root}.",
        f"  row 4: '{outside}' leads out of {root}.",
        f"  row 5: 'link' is a link that leads out of {root}; put the file itself there.",
        f"  row 6: 'away/secret.png' is a link that leads out of {root}; put the file itself there.",
        r"  row 7: 'sub/\x00.png' holds a null character, which no path has.",
    ]
    assert len(table(root, f"image,label\ninside,a\n{root}/two.jpeg,a\n").load(4, context)) == 2


def test_a_suffix_that_all_names_lack_can_be_given(root: Path, context: LoadContext) -> None:
    Image.new("RGB", (4, 4)).save(root / "one.bmp")
    text = "image,label\none,a\n"
    assert "could be any of one.bmp, one.png; give the suffix" in refusal(table(root, text), context)
    assert table(root, text, extension=".bmp").load(4, context).names == ["one.bmp"]


@pytest.mark.parametrize(
    ("rows", "extension", "problems", "way_out"),
    [
        ("one.png,a", ".png", ["row 2: there is no image 'one.png.png' in {0}. Did you mean 'one.png'?"],
         "0 of 1 images were found. Names end in .png already: leave data.extension out."),
        ("one.png,a\ntwo.jpeg,a", ".bmp", ["row 2: there is no image 'one.png.bmp' in {0}. Did you mean 'one.png'?",
                                           "row 3: there is no image 'two.jpeg.bmp' in {0}. Did you mean 'two.jpeg'?"],
         "0 of 2 images were found. Names end in .jpeg, .png already: leave data.extension out."),
        ("one,a\none.png,a", ".png", ["row 3: there is no image 'one.png.png' in {0}. Did you mean 'one.png'?"],
         "1 of 2 images were found. Names end in .png already: leave data.extension out."),
        ("one,a", ".bmp", ["row 2: there is no image 'one.bmp' in {0}. Did you mean 'one.png'?"],
         "0 of 1 images were found. They are there without .bmp: leave data.extension out."),
    ],
)  # fmt: skip
def test_a_suffix_that_names_have_already_is_told_apart_from_a_wrong_folder(
    root: Path, context: LoadContext, rows: str, extension: str, problems: list[str], way_out: str
) -> None:
    text = refusal(table(root, f"image,label\n{rows}\n", extension=extension), context)
    assert text.splitlines()[1:] == [*(f"  {problem.format(root)}" for problem in problems), way_out]
    assert table(root, f"image,label\n{rows}\n").classes() == ("a",)
    alone = table(root, "image,label\none.png,a\n", extension=".png", allow_missing=True)
    assert refusal(alone, context).endswith(f"in {root}. Names end in .png already: leave data.extension out.")


def test_names_of_files_in_another_column_are_no_other_folder(root: Path, context: LoadContext) -> None:
    text = refusal(table(root, "image,label,file\n7,a,one.png\n8,b,two.jpeg\n"), context)
    assert text.splitlines()[-1] == (
        "0 of 2 images were found. Names of files seem to stand in another column: data.image=file"
    )


def test_a_table_may_lie_beside_its_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    Path("labels.csv").write_text("image,label\none,a\n")
    assert CsvTable(root=Path("set"), table=Path("labels.csv")).classes() == ("a",)
    (root / "labels.csv").write_text("image,label\none,b\n")
    with pytest.raises(DataError, match=r"`table: labels\.csv` may be set/labels\.csv or .*; give its full path\."):
        CsvTable(root=Path("set"), table=Path("labels.csv")).classes()


def test_a_table_that_never_ends_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"^/dev/zero is a device, not a file\.$"):
        CsvTable(root=root, table=Path("/dev/zero")).classes()
    monkeypatch.chdir(root.parent)
    for place in (Path("t.csv"), root / "u.csv"):
        os.mkfifo(place)
        with pytest.raises(DataError, match=rf"^{place} is a pipe, not a file\.$"):
            CsvTable(root=root, table=Path(place.name)).classes()


def test_without_a_label_column_the_folder_of_a_file_is_its_class(
    tmp_path: Path, context: LoadContext, components: Components
) -> None:
    root = tmp_path / "pics"
    for i, name in enumerate(["mild/a.png", "healthy/b.png", "healthy/c.png", "mild/d.png"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (i * 40, 0, 0)).save(root / name)
    text = "file,patient\nmild/a.png,p1\nhealthy/b,p1\nhealthy/c.png,p2\nmild/d.png,p2\n"
    spec = table(root, text, image="file", label=None, patient="patient")
    assert spec.classes() == ("healthy", "mild")
    images = spec.load(4, context)
    assert images.labels.tolist() == [1, 0, 0, 1] and images.groups == ["p1", "p1", "p2", "p2"]
    found = survey(root / "t.csv", components)
    assert found.spec == spec.model_copy(update={"table": Path("t.csv"), "root": root})
    assert found.notes[0].startswith(
        "the column 'file' is taken for the names of the files, the folder that each of them lies in for its class, and"
    )


def test_a_file_that_lies_in_no_folder_has_no_class(root: Path, context: LoadContext) -> None:
    spec = table(root, "image\nsub/three.png\none.png\nnone.png\n", label=None)
    assert spec.classes() == ("sub",)
    text = refusal(spec, context)
    assert f"row 3: 'one.png' lies in no folder of {root}, whose name would be its class." in text
    assert "row 4: there is no image 'none.png'" in text
    assert "names no file in a folder of" in refusal(table(root, "image\none.png\n", label=None), context)
