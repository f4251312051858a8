"""data check, prepare, preview and split."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from radiographs import CLASSES, WINDOW, save_radiographs
from typer.testing import Result

from ganforge.data.images import LoadContext
from ganforge.data.specs import CsvTable

Ganforge = Callable[..., Result]


@pytest.fixture
def xrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANFORGE_CACHE", str(tmp_path / "cache"))
    return save_radiographs(tmp_path / "xrays", patients=4)


def as_data(xrays: Path, **more: object) -> str:
    """What `data=` says of them."""
    fields = {"image": "file_name", "label": "finding", "patient": "patient_id", "window": WINDOW}
    places = {"kind": "csv", "root": str(xrays / "images"), "table": str(xrays / "labels.csv")}
    return f"data={json.dumps({**places, **fields, **more})}"


def test_a_folder_of_classes_needs_no_recipe(ganforge: Ganforge, tiny_recipe: Path, tiny_images: Path) -> None:
    result = ganforge("data", "check", tiny_images, "resolution=16")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:5] == [
        "discs: 30 images of unknown patients, for 16 pixels",
        "  class   images  patients  train  held out  bad",
        "  large       10        10      8         2    0",
        "  medium      10        10      8         2    0",
        "  small       10        10      8         2    0",
    ]
    assert result.stdout.endswith("nothing makes a training wrong\n")
    same = ganforge("data", "check", tiny_recipe, "--json")
    assert same.exit_code == 0 and json.loads(same.stdout)["classes"][0]["train"] == 8


def test_a_folder_of_pictures_is_one_class(ganforge: Ganforge, tiny_recipe: Path, tiny_images: Path) -> None:
    result = ganforge("data", "check", tiny_images / "large", "resolution=16")
    assert result.exit_code == 0 and "  large      10        10      8         2    0" in result.stdout


def test_what_makes_a_training_wrong_is_exit_code_3(ganforge: Ganforge, tiny_recipe: Path, tiny_images: Path) -> None:
    (tiny_images / "small" / "00.png").write_bytes(b"")
    result = ganforge("data", "check", tiny_images, "resolution=16")
    assert result.exit_code == 3
    assert "wrong: 1 image can't be used\n  small/00.png is empty\n" in result.stdout
    assert result.stderr == "error: a training would go wrong with this set: bad_files.\n"
    machine = ganforge("data", "check", tiny_images, "resolution=16", "--json")
    (bad, *_) = json.loads(machine.stdout)["findings"]
    assert machine.exit_code == 3 and bad["what"] == "bad_files" and bad["items"] == ["small/00.png is empty"]
    kept = ganforge("data", "check", tiny_images, "bad_images={policy: quarantine, max_fraction: 0.1}")
    assert kept.exit_code == 0


def test_wrong_words_are_problems_of_a_recipe(ganforge: Ganforge, tiny_images: Path, tmp_path: Path) -> None:
    result = ganforge("data", "check", tiny_images, "data.patience=3")
    assert result.exit_code == 2 and "patience" in result.stderr and "Did you mean 'patient'?" in result.stderr
    assert ganforge("data", "check", tmp_path / "nothing").exit_code == 2
    result = ganforge("data", "check", tiny_images, "--pictures")
    assert result.exit_code == 2 and "--page FILE" in result.stderr
    result = ganforge("data", "check", tiny_images, "--page", tiny_images / "large" / "00.png" / "x.html")
    assert result.exit_code == 2 and "Choose another file with --page." in result.stderr


def test_a_page_is_written(ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path) -> None:
    result = ganforge("data", "check", tiny_recipe, "--page", tmp_path / "page.html")
    assert result.exit_code == 0 and f"page: {tmp_path / 'page.html'}" in result.stdout
    assert "<h1>tiny</h1>" in (tmp_path / "page.html").read_text()
    result = ganforge("data", "check", tiny_recipe, "--page", tmp_path / "page.html", "--pictures")
    assert "don't share it" in result.stdout and "data:image/png" in (tmp_path / "page.html").read_text()


def test_prepare_fills_the_cache_that_a_run_uses(ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path) -> None:
    result = ganforge("data", "prepare", tiny_recipe)
    assert result.exit_code == 0 and result.stdout.startswith("30 images at 16 pixels, 0.0 MB, in 0:00:0")
    [folder] = (tmp_path / "cache" / "prepared").iterdir()
    assert f"cache: {folder}\n" in result.stdout
    written = (folder / "images-00000.npy").stat().st_mtime_ns
    assert ganforge("run", tiny_recipe).exit_code == 0
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert (folder / "images-00000.npy").stat().st_mtime_ns == written


def test_prepare_verifies_and_mends_the_set(ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path) -> None:
    assert ganforge("data", "prepare", tiny_recipe).exit_code == 0
    [folder] = (tmp_path / "cache" / "prepared").iterdir()
    [pixels] = folder.glob("*.npy")
    whole = pixels.read_bytes()
    pixels.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    result = ganforge("data", "prepare", tiny_recipe)
    told = f"warning: 1 of 30 prepared images in {folder} are damaged and are made again."
    assert result.exit_code == 0 and told in result.stdout and pixels.read_bytes() == whole


def test_preview_draws_each_class_as_it_is_prepared_and_augmented(
    ganforge: Ganforge, tiny_recipe: Path, tmp_path: Path
) -> None:
    for overrides, rows in (((), 2), (("training.augmentations=[{kind: flip}]",), 3)):
        result = ganforge("data", "preview", tiny_recipe, *overrides, "--out", tmp_path / "sheet.png", "--each", "4")
        assert result.exit_code == 0, result.output
        assert "warning: the sheet holds real pictures: don't share it." in result.stdout
        sheet = Image.open(tmp_path / "sheet.png")
        assert sheet.size == (4 * 132 - 4, 24 + 3 * (24 + rows * 132)) and not sheet.info.get("exif")
        discs = np.asarray(sheet)[24 + 24 : 24 + 24 + 128, :128]
        assert discs[64, 64].max() > 50 and discs[0, 0].max() < 5  # a disc, enlarged, on black


def test_a_split_is_written_and_can_be_used_again(ganforge: Ganforge, xrays: Path, tmp_path: Path) -> None:
    out = tmp_path / "split.csv"
    table = xrays / "labels.csv"
    words = [as_data(xrays).replace("data=", "", 1)]
    overrides = [f"data={words[0]}", "resolution=16", "split.seed=3"]
    result = ganforge("data", "split", table, *overrides, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "class     patients  train  held out  unused",
        "effusion         4      6         2       0",
    ]
    rows = list(csv.DictReader(out.open()))
    assert list(rows[0]) == ["image", "label", "patient", "split"] and len(rows) == 24
    sides = {row["patient"]: set() for row in rows}
    for row in rows:
        sides[row["patient"]].add(row["split"])
    assert all(len(side) == 1 for side in sides.values())
    spec = CsvTable(root=xrays / "images", table=out, patient="patient", split="split", window=WINDOW)
    again = spec.load(16, LoadContext(tmp_path / "cache"))
    assert again.card.classes == CLASSES and [row["split"] for row in rows] == list(again.sides)


def test_a_split_of_names_that_no_table_can_hold_is_refused(
    ganforge: Ganforge, tiny_images: Path, tmp_path: Path
) -> None:
    (tiny_images / "small" / "00.png").rename(tiny_images / "small" / "pat\udcff\udcfe.png")
    (tiny_images / "large").rename(tiny_images / "lar\udce9")
    out = tmp_path / "split.csv"
    result = ganforge("data", "split", tiny_images, "resolution=16", "--out", out)
    assert (result.exit_code, result.stdout, out.exists()) == (3, "", False)
    assert result.stderr.splitlines() == [
        "error: a table can't hold all names of this set (3 problems):",
        "  the folder lar\\udce9 has a name that is not UTF-8. Rename it, or set LC_ALL=C.UTF-8.",
        "  the file small/pat\\udcff\\udcfe.png has a name that is not UTF-8. Rename it, or set LC_ALL=C.UTF-8.",
        "  the class lar\\udce9 has a name that is not UTF-8. Rename it, or set LC_ALL=C.UTF-8.",
    ]


@pytest.mark.parametrize("words", [("data", "check"), ("data", "split"), ("new", "recipe"), ("check",)])
def test_no_name_forges_a_line(
    ganforge: Ganforge, tiny_recipe: Path, tiny_images: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """What is wrong is in the folder in turn: nothing, then empty pictures, then entries that are none."""
    evil = "x\nerror: forged\r\tz"
    (tiny_images / "large").rename(tiny_images / evil)
    (tiny_images / "small" / "00.png").rename(tiny_images / "small" / f"{evil}.png")
    shutil.copy(tiny_images / "small" / f"{evil}.png", tiny_images / evil / f"{evil}.png")
    what = [tiny_recipe] if words == ("check",) else [tiny_images]
    out = {
        "split": ["resolution=16", "--out", tmp_path / "out.csv"],
        "recipe": ["--out", tmp_path / "out.yaml", "--force"],
    }
    more = out.get(words[-1], [] if words == ("check",) else ["resolution=16"])
    shown = []
    for trouble in (None, tiny_images / "medium" / f"{evil}.png", tiny_images / "medium" / f"{evil}.doc"):
        if trouble:
            trouble.write_bytes(b"")
        (tmp_path / "out.csv").unlink(missing_ok=True)
        shown.append(ganforge(*words, *what, *more).output)
    assert all("forged" in text for text in (shown if words != ("check",) else shown[:1]))
    lines = [line for text in shown for line in text.split("\n")]
    assert not [line for line in lines if line.startswith("error: forged") or "\r" in line or "\t" in line]
    assert any("x\\x0aerror: forged\\x0d\\x09z" in line for line in lines)


def test_no_class_forges_a_line_where_it_is_asked_for(ganforge: Ganforge, tiny_images: Path) -> None:
    (tiny_images / "large").rename(tiny_images / "x\nerror: forged")
    result = ganforge("data", "check", tiny_images, "data.classes=[x]")
    assert (result.exit_code, result.stderr.splitlines()[1:]) == (
        3,
        ["  there is no folder 'x'.", "It holds: medium, small, x\\x0aerror: forged."],
    )


def test_drawn_radiographs_of_16_bits_go_from_check_to_run(
    ganforge: Ganforge, xrays: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    data = as_data(xrays)
    blind = ganforge("data", "check", tiny_recipe, as_data(xrays, window=None))
    assert blind.exit_code == 3 and "say their range with `window`" in blind.stdout
    result = ganforge("data", "check", tiny_recipe, data)
    assert result.exit_code == 0 and result.stdout.endswith("nothing is wrong\n"), result.output
    assert "PNG I;16, 16 bits      24" in result.stdout
    assert ganforge("run", tiny_recipe, data).exit_code == 0
    [run] = (tmp_path / "runs").iterdir()
    record = json.loads((run / "data.json").read_text())
    assert record["images"] == {"train": [6, 6, 6], "held_out": [2, 2, 2], "left_out": 0}


def test_a_run_leaves_bad_images_out_and_lists_them_beside_it_alone(
    ganforge: Ganforge, tiny_recipe: Path, tiny_images: Path, tmp_path: Path
) -> None:
    (tiny_images / "large" / "PAT_bad.png").write_text("<html>")
    stopped = ganforge("run", tiny_recipe)
    assert stopped.exit_code == 3 and "large/PAT_bad.png is text, not a picture." in stopped.stderr
    assert "`bad_images={policy: quarantine, max_fraction: 0.033}` leaves them out of a run." in stopped.stderr
    few = ganforge("run", tiny_recipe, "bad_images.policy=quarantine")
    assert "`bad_images.max_fraction=0.033` leaves out as many." in few.stderr
    assert few.exit_code == 3 and "1 of 31 images can't be used, more than bad_images.max_fraction=0.001" in few.stderr
    done = ganforge("run", tiny_recipe, "bad_images={policy: quarantine, max_fraction: 0.033}")
    assert done.exit_code == 0 and "1 of 31 images can't be used and are left out." in done.stdout
    run = tmp_path / "runs" / "00000-tiny"  # those that never trained left nothing
    assert [path.name for path in run.parent.iterdir()] == [run.name]
    assert (run / "quarantine.csv").read_text() == 'image,reason\nlarge/PAT_bad.png,"is text, not a picture"\n'
    naming = [file.name for file in run.rglob("*") if file.is_file() and b"PAT_bad" in file.read_bytes()]
    assert naming == ["quarantine.csv"]
    assert json.loads((run / "data.json").read_text())["images"]["left_out"] == 1
    assert ganforge("resume", run).exit_code == 0


def test_a_run_warns_of_held_out_images_that_it_trains_on(
    ganforge: Ganforge, tiny_recipe: Path, tiny_images: Path
) -> None:
    (tiny_images / "large" / "copy.png").write_bytes((tiny_images / "large" / "00.png").read_bytes())
    table = tiny_images / "split.csv"
    rows = ["image,label,split", "large/00.png,large,train", "large/copy.png,large,held_out"]
    rows += [f"{name}/0{i}.png,{name},train" for name in ("medium", "small") for i in range(3)]
    table.write_text("\n".join(rows))
    data = f"data={{kind: csv, root: {tiny_images}, table: split.csv, split: split}}"
    result = ganforge("run", tiny_recipe, data)
    assert result.exit_code == 0, result.output
    assert "the split is that of the set; split.held_out has no effect." in result.stdout
    assert (
        "warning: 1 of 1 held-out images have the pixels of one that is trained on, so scores will be too good; "
        "`ganforge data check` names them."
    ) in result.stdout
