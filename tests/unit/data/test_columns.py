"""Which columns of a table hold what."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image
from radiographs import save_radiographs
from typer.testing import CliRunner

from ganforge.cli.main import app
from ganforge.data.columns import Guess, guess_columns
from ganforge.data.recognised_table import recognise_table
from ganforge.data.specs import CsvTable, ImageFolder
from ganforge.data.table import read_table
from ganforge.registry import Components
from ganforge.starter.survey import survey


def guessed(tmp_path: Path, text: str, folder: str = ".") -> Guess:
    (tmp_path / folder).mkdir(exist_ok=True)
    for i in range(12):
        Image.new("L", (8, 8), i).save(tmp_path / folder / f"p{i:02d}.png")
    (tmp_path / "t.csv").write_text(text)
    return guess_columns(read_table(tmp_path / "t.csv"))


def rows(*cells: str) -> str:
    """A row for each of twelve files; `{i}` is its number, `{c}` its class, `{p}` its patient."""
    return "".join(",".join(cells).format(i=f"{i:02d}", c="abc"[i % 3], p=i // 2) + "\n" for i in range(12))


@pytest.mark.parametrize(
    ("header", "cells", "expected"),
    [
        ("image,label", ("p{i}.png", "{c}"), ("image", "label", None, None)),
        ("StudyID,Image Index,Finding Labels,Patient ID", ("{p}", "p{i}.png", "{c}", "{p}"),
         ("Image Index", "Finding Labels", "Patient ID", None)),
        ("patientId,dx,fileName", ("{p}", "{c}", "p{i}"), ("fileName", "dx", "patientId", None)),
        ("x,y,fold", ("p{i}", "{c}", "train"), ("x", "y", None, "fold")),
        ("x,age", ("p{i}", "{i}"), ("x", None, None, None)),
        ("x,label", ("q{i}", "{c}"), (None, "label", None, None)),
    ],
)  # fmt: skip
def test_columns_are_told_by_their_names_and_by_what_stands_in_them(
    tmp_path: Path, header: str, cells: tuple[str, ...], expected: tuple[str | None, ...]
) -> None:
    found = guessed(tmp_path, f"{header}\n{rows(*cells)}", "scans")
    assert (found.image, found.label, found.patient, found.split) == expected
    assert found.root == (tmp_path / "scans" if expected[0] else None)


def test_a_label_that_could_be_another_column_has_rivals(tmp_path: Path) -> None:
    found = guessed(tmp_path, f"file,x,y\n{rows('p{i}.png', '{c}', '{p}')}")
    assert (found.label, found.rivals) == ("x", ("y",))


def test_no_table_is_too_odd_to_be_looked_at(tmp_path: Path) -> None:
    draw = random.Random(0)
    for number in range(200):
        cells = ["", "..", "/etc/passwd", "p00.png", "x" * 300, "\x00", "a/b", "1e999", "ü", " "]
        lines = ["a,image,label"] + [",".join(draw.choices(cells, k=3)) for _ in range(draw.randrange(4))]
        (tmp_path / f"{number}.csv").write_text("\n".join(lines))
        guess_columns(read_table(tmp_path / f"{number}.csv"))


def test_a_table_with_its_pictures_is_recognised_with_what_was_assumed(tmp_path: Path, components: Components) -> None:
    root = save_radiographs(tmp_path / "xrays", patients=2)
    for place in (root / "labels.csv", root):
        found = survey(place, components)
        assert found.spec == CsvTable(
            root=root / "images",
            table=root / "labels.csv",
            image="file_name",
            label="finding",
            patient="patient_id",
        )
        assert (found.classes, found.counts, found.num_patients) == (("effusion", "nodule", "normal"), (4, 4, 4), 6)
        assert found.notes == (
            "the column 'file_name' is taken for the names of the files, 'finding' for the class, and 'patient_id' for "
            "the patient: never both trained on and tested with.",
        )


def test_a_table_with_another_separator_is_recognised_and_said_to_have_it(
    tmp_path: Path, components: Components
) -> None:
    guessed(tmp_path, f"file:grade\n{rows('p{i}.png', '{c}').replace(',', ':')}")
    found = survey(tmp_path / "t.csv", components)
    assert isinstance(found.spec, CsvTable) and found.spec.separator == ":" and found.counts == (4, 4, 4)
    assert "the cells of t.csv seem to be parted by ':'." in found.notes


def test_folders_of_classes_are_not_given_up_for_a_table_beside_them(tmp_path: Path, components: Components) -> None:
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("L", (8, 8), i).save(tmp_path / "set" / name / f"{i}.png")
    (tmp_path / "set" / "t.csv").write_text("file,sex\n" + "".join(f"a/{i}.png,{'mf'[i % 2]}\n" for i in range(4)))
    found = survey(tmp_path / "set", components, "image_folder")
    assert isinstance(found.spec, ImageFolder)
    assert f"`ganforge new recipe {tmp_path}/set/t.csv`." in found.notes[0]
    assert recognise_table(CsvTable, tmp_path / "set") is None
    assert isinstance(survey(tmp_path / "set", components).spec, ImageFolder)


def test_a_new_recipe_of_a_table_has_the_window_that_the_check_asks_for_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    save_radiographs(tmp_path / "xrays", patients=4)

    def ganforge(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(words))
        return result.exit_code, result.output

    code, text = ganforge("new", "recipe", "xrays/labels.csv", "--out", "xrays.yaml")
    assert code == 0 and "24 pictures as csv" in text, text
    code, text = ganforge("data", "check", "xrays.yaml")
    assert code == 0, text
    code, text = ganforge("data", "check", "xrays.yaml", "data.window=null")
    assert code == 3 and "24 files, such as 000_1.png, 000_2.png, 001_1.png: each has 16-bit pixels" in text
    assert "data.window='{center: 2048, width: 4096}'" in text
    assert "  window: {center: 2048, width: 4096}\n" in (tmp_path / "xrays.yaml").read_text()


def test_a_bare_table_is_answered_with_the_keys_that_it_needs_ready_to_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_radiographs(tmp_path / "xrays", patients=1)
    result = CliRunner().invoke(app, ["data", "check", "xrays/labels.csv"])
    assert result.exit_code == 3
    pasted = result.stderr.strip().rpartition("That may be: data='")[2].removesuffix("'")
    assert "image: file_name, label: finding, patient: patient_id" in pasted
    window = "data.window={center: 2048, width: 4096}"
    result = CliRunner().invoke(app, ["data", "check", "xrays/labels.csv", f"data={pasted}", window])
    assert result.exit_code == 0, result.output
    elsewhere = ["data.image=file_name", "data.label=finding", window]
    result = CliRunner().invoke(app, ["data", "check", "xrays/labels.csv", *elsewhere])
    assert result.exit_code == 3 and f"data.root={tmp_path}/xrays/images" in result.output
