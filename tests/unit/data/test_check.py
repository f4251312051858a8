"""What `data check` finds in a set: each rule on a set that has just that fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from deep_pictures import deep_png
from dicoms import save_dicom
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from ganforge.data.alike import alike_classes
from ganforge.data.check.check import Check, check_data
from ganforge.data.check.doubles import nearly_equal
from ganforge.data.check.look import Look, fingerprint, look_at_array
from ganforge.data.images import LabelledImages, LoadContext
from ganforge.data.specs import CsvTable, ImageFolder
from ganforge.interfaces import DatasetSpec
from ganforge.progress import no_progress
from ganforge.recipe.models import SplitSpec
from ganforge.report.check_page import write_page


def picture(seed: int, side: int = 32) -> Image.Image:
    """Blobs of a few pixels, different for each seed."""
    blobs = np.random.default_rng(seed).integers(30, 225, (8, 8, 3), np.uint8)
    return Image.fromarray(blobs).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of ten patients with a picture each; nothing is wrong."""
    for i in range(20):
        file = tmp_path / "set" / "ab"[i % 2] / f"{i:02d}_x.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(i).save(file)
    return tmp_path / "set"


def check(data: DatasetSpec, tmp_path: Path, resolution: int = 16, most: float | None = None) -> Check:
    context = LoadContext(tmp_path / "cache", workers=1, max_bad_fraction=most)
    return check_data(data, resolution, SplitSpec(), context, "set")


def of(root: Path, **fields: object) -> ImageFolder:
    return ImageFolder.model_validate({"root": root, "patient": "{patient}_*", **fields})


def found(result: Check) -> list[tuple[str, bool]]:
    return [(finding.what, finding.is_error) for finding in result.findings]


def test_a_sound_set_has_no_findings_and_true_numbers(root: Path, tmp_path: Path) -> None:
    result = check(of(root), tmp_path)
    assert found(result) == [] and result.errors == []
    assert (result.num_images, result.num_patients) == (20, 20)
    assert [(c.name, c.images, c.patients, c.train, c.held_out, c.bad) for c in result.classes] == [
        ("a", 10, 10, 8, 2, 0),
        ("b", 10, 10, 8, 2, 0),
    ]
    assert result.widths == result.heights == (32, 32, 32) and result.kinds == {"PNG RGB, 8 bits": 20}
    assert 100 < result.brightness < 155 and result.black == result.white == 0


class WithoutFiles(CsvTable):
    """The images of a table, as a set that draws them."""

    def files(self, context: LoadContext) -> None:
        return None

    def load(self, resolution: int, context: LoadContext) -> LabelledImages:
        return CsvTable.model_validate(self.model_dump()).load(resolution, context)


@pytest.mark.parametrize("split", [SplitSpec(), SplitSpec(held_out=0.5, seed=3), SplitSpec(train=6)])
@pytest.mark.parametrize("column", [None, "split"])
@pytest.mark.parametrize("kind", [CsvTable, WithoutFiles])
def test_it_is_split_as_a_run_would_split_it(
    root: Path, tmp_path: Path, split: SplitSpec, column: str | None, kind: type[CsvTable]
) -> None:
    from ganforge.data.split_table import split_rows

    names = [file.relative_to(root) for file in sorted(root.glob("*/*"))]
    sides = ["held_out", "train", "train", "unused", "train"] * 4
    lines = [f"{name},{name.parent},{side}" for name, side in zip(names, sides, strict=True)]
    (root / "t.csv").write_text("\n".join(["image,label,split", *lines]))
    data = kind(root=root, table=Path("t.csv"), split=column)
    context = LoadContext(tmp_path / "cache", workers=1)
    rows = split_rows(data.load(16, context), split)
    assert [row.split for row in rows] == list(check_data(data, 16, split, context, "set").images.sides)


def test_bad_files_are_errors_until_a_quarantine_takes_them(root: Path, tmp_path: Path) -> None:
    (root / "a" / "98_x.png").write_bytes(b"")
    result = check(of(root), tmp_path)
    assert found(result) == [("bad_files", True)]
    assert result.findings[0].items == ("a/98_x.png is empty",) and result.classes[0].bad == 1
    assert found(check(of(root), tmp_path, most=0.1)) == [("bad_files", False)]
    assert found(check(of(root), tmp_path, most=0.01)) == [("bad_files", True)]


def test_what_a_preparation_refuses_is_a_bad_file(root: Path, tmp_path: Path) -> None:
    Image.new("RGB", (20_000, 20)).save(root / "a" / "98_x.png")
    result = check(of(root, fit="pad"), tmp_path)
    assert result.errors[0].items == ("a/98_x.png is 20000 x 20 pixels, too long to be padded to a square",)


def test_problems_of_the_folders_do_not_hide_what_is_in_the_files(root: Path, tmp_path: Path) -> None:
    (root / "a" / "deeper").mkdir()
    (root / "b" / "98_x.png").write_bytes(b"")
    result = check(of(root), tmp_path)
    assert found(result) == [("listing", True), ("bad_files", True)]
    assert result.findings[0].items == ("a/deeper is a folder; images must lie directly in the class folder.",)


def test_the_same_pixels_in_two_classes_are_an_error_whatever_the_files(root: Path, tmp_path: Path) -> None:
    picture(0).save(root / "b" / "00_y.bmp")  # of the same patient, so that no split parts them
    result = check(of(root), tmp_path)
    assert ("two_classes", True) in found(result)
    finding = result.errors[0]
    assert finding.text == "2 files show 1 picture: the same pixels in two classes"
    assert finding.items == ("a/00_x.png (a), b/00_y.bmp (b)",)


def test_the_same_pixels_trained_on_and_held_out_are_an_error(root: Path, tmp_path: Path) -> None:
    images = check(of(root), tmp_path).images
    sides = dict(zip(images.names, images.sides, strict=True))
    trained, held_out = (next(name for name in sides if sides[name] == side) for side in ("train", "held_out"))
    lines = [f"{name},{name[0]},{side}" for name, side in sides.items()]
    (root / held_out).write_bytes((root / trained).read_bytes())
    (tmp_path / "t.csv").write_text("\n".join(["image,label,split", *lines]))
    result = check(CsvTable(root=root, table=tmp_path / "t.csv", split="split"), tmp_path)
    assert ("train_and_held_out", True) in found(result)


def test_the_same_pixels_of_two_patients_or_of_one_are_warned_of(root: Path, tmp_path: Path) -> None:
    lines = [f"{name},a,{name},train" for name in ("a/00_x.png", "a/02_x.png", "a/04_x.png", "b/01_x.png")]
    lines[2] = "a/04_x.png,a,a/02_x.png,train"  # one patient with the one before
    (tmp_path / "t.csv").write_text("\n".join(["image,label,who,split", *lines]))
    spec = CsvTable(root=root, table=tmp_path / "t.csv", split="split", patient="who")
    (root / "a/04_x.png").write_bytes((root / "a/02_x.png").read_bytes())
    assert ("twice", False) in found(check(spec, tmp_path))
    (root / "a/00_x.png").write_bytes((root / "a/02_x.png").read_bytes())
    assert ("two_patients", False) in found(check(spec, tmp_path))


def test_a_patient_on_both_sides_of_a_given_split_is_an_error(root: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,label,who,s\na/00_x,a,p,train\na/02_x,a,p,held_out\nb/01_x,b,q,train\n")
    result = check(CsvTable(root=root, table=tmp_path / "t.csv", split="s", patient="who"), tmp_path)
    assert result.errors[0].items == ("patient 'p' is in train and in held_out.",)


@pytest.mark.parametrize("quality", [60, 95])
def test_a_copy_that_was_saved_again_is_nearly_the_same(root: Path, tmp_path: Path, quality: int) -> None:
    copy = ImageEnhance.Brightness(picture(0, 64).resize((48, 48))).enhance(1.1)
    copy.save(root / "b" / "00_y.jpg", quality=quality)
    result = check(of(root), tmp_path)
    assert found(result) == [("nearly_equal", False)]
    assert result.findings[0].items == ("a/00_x.png (a), b/00_y.jpg (b)",)
    assert result.findings[0].text == (
        "2 files in 1 group of nearly the same picture (correlation from 0.94); of the groups 1 in two classes, "
        "0 trained on and held out"
    )


@given(st.lists(st.integers(0, 5), min_size=2, max_size=9))
def test_near_groups_are_all_copies_of_a_picture_and_no_others(seeds: list[int]) -> None:
    looks = [
        Look(pixels=str(i), fingerprint=fingerprint(ImageEnhance.Brightness(picture(seed)).enhance(1 + i / 100)))
        for i, seed in enumerate(seeds)
    ]
    groups = nearly_equal(looks, no_progress)
    copies = [[i for i, seed in enumerate(seeds) if seed == wanted] for wanted in range(6)]
    assert sorted(groups) == sorted(group for group in copies if len(group) > 1)
    assert [len(group) for group in groups] == sorted(map(len, groups), reverse=True)


def test_near_copies_that_lie_in_different_blocks_are_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganforge.data.check.doubles._BLOCK", 2)
    looks = [Look(pixels=str(i), fingerprint=fingerprint(picture(i % 3))) for i in range(11)]
    assert nearly_equal(looks, no_progress) == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8]]


def test_many_near_copies_are_one_line_and_the_worst_groups_come_first(root: Path, tmp_path: Path) -> None:
    for i in range(20):
        ImageEnhance.Brightness(picture(100)).enhance(0.9 + i / 100).save(root / "a" / f"{50 + i}_x.png")
    ImageEnhance.Brightness(picture(2)).enhance(0.9).save(root / "b" / "02_y.png")
    (finding,) = check(of(root), tmp_path).findings
    assert finding.text.startswith("22 files in 2 groups of nearly the same picture")
    assert finding.lines == (
        "a/02_x.png (a), b/02_y.png (b)",
        "a/50_x.png (a), a/51_x.png (a), a/52_x.png (a), a/53_x.png (a) and 16 more",
    )
    assert len(finding.items[1].split(", ")) == 20 and "lines" not in check(of(root), tmp_path).as_dict()["findings"][0]


def flat(seed: int, slope: float = 0.0) -> Image.Image:
    """Grey of about one level, with noise and a slow gradient, as failed exposures have them."""
    noise = np.random.default_rng(seed).normal(0, 0.7, (64, 64))
    levels = 120 + seed % 5 + noise + slope * np.mgrid[:64, :64][1] / 64
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("slope", [0, 20, 60])
def test_uniform_pictures_are_called_uniform_and_no_copies_of_each_other(
    root: Path, tmp_path: Path, slope: float
) -> None:
    for i in range(26):
        flat(i, slope).save(root / "ab"[i % 2] / f"{50 + i}_x.png")
    flat(0, slope).save(root / "b" / "90_x.png")  # the same pixels in both classes
    (finding,) = check(of(root), tmp_path).findings
    assert (finding.what, len(finding.items)) == ("uniform", 27)
    assert finding.text == "27 images (57.4%) nearly uniform: no edge, no texture"


def test_pictures_without_contrast_resemble_nothing() -> None:
    assert fingerprint(Image.new("RGB", (32, 32), "red")) == b""


def test_a_window_says_which_pictures_it_does_not_change(root: Path, tmp_path: Path) -> None:
    deep = Image.fromarray(np.asarray(picture(9).convert("L")).astype(np.uint16) * 16)
    deep.save(root / "a" / "98_x.png")
    result = check(of(root, window={"center": 2048, "width": 4096}), tmp_path)
    (finding,) = (finding for finding in result.findings if finding.what == "window_unused")
    assert finding.text == "20 images (95.2%) of 8 bits, whose levels stay as they are" and len(finding.items) == 20
    (root / "b" / "99_x.png").write_bytes(deep_png(65535, 4096, 0))
    result = check(of(root, window={"center": 2048, "width": 4096}), tmp_path)
    (finding,) = (finding for finding in result.findings if finding.what == "window_unused")
    assert finding.text == "21 images (95.5%) of 8 bits or of several channels, whose levels stay as they are"
    assert result.kinds["PNG RGB, 16 bits"] == 1
    (root / "a" / "98_x.png").unlink()
    (root / "b" / "99_x.png").unlink()
    untouched = of(root).load(16, LoadContext(tmp_path / "cache"))
    windowed = of(root, window={"center": 2048, "width": 4096}).load(16, LoadContext(tmp_path / "cache"))
    assert (untouched.images[0] == windowed.images[0]).all()


def test_classes_that_can_not_be_trained_or_measured_are_named(tmp_path: Path) -> None:
    for name, number in (("many", 10), ("one", 1), ("none", 1)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(number):
            picture(10 * len(name) + i).save(tmp_path / "set" / name / f"{name}{i}_x.png")
    (tmp_path / "set" / "none" / "none0_x.png").write_bytes(b"")
    result = check(of(tmp_path / "set"), tmp_path)
    assert found(result) == [("bad_files", True), ("empty_class", True), ("one_image", False)]
    assert [finding.text for finding in result.findings[1:]] == [
        "class 'none' has no image that can be used",
        "class 'one' has a single image, which will be learnt by heart",
    ]
    picture(99).save(tmp_path / "set" / "one" / "one0_y.png")  # a second one of the same patient
    (last,) = check(of(tmp_path / "set"), tmp_path).findings[2:]
    assert last.text == "class 'one' has no held-out image (1 patient), so nothing of it is measured"


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["caf\u00e9", "cafe\u0301", "tea"], r"'caf\xe9', 'cafe\u0301'"),
        (["a", "a\u200b", "b"], r"'a', 'a\u200b'"),
        (["a1", "A\uff11", "b"], r"'a1', 'A\uff11'"),
    ],
)
def test_classes_that_look_the_same_are_pointed_out(names: list[str], text: str) -> None:
    assert alike_classes(names) == [f"the classes {text} differ only in case, spaces or how characters are written"]


def test_classes_that_differ_only_in_case_or_spaces_are_pointed_out(tmp_path: Path) -> None:
    folders = ["Sick", "sick", "sick ", "very sick", "verysick", "well"]
    for i in range(24):
        file = tmp_path / "set" / folders[i % 6] / f"p{i}_0.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(i).save(file)
    advice = (
        "If they are one class, write one name in the table, or put the pictures into one folder: `classes` can't join "
        "two."
    )
    texts = [
        "the classes 'Sick', 'sick', 'sick ' differ only in case or spaces",
        "the classes 'very sick', 'verysick' differ only in case or spaces",
    ]
    result = check(of(tmp_path / "set"), tmp_path)
    alike = [finding for finding in result.findings if finding.what == "alike_classes"]
    assert [(each.is_error, each.text, each.advice) for each in alike] == [(False, text, advice) for text in texts]
    rows = "".join(
        f"Sick/p{i}_0.png,{label},{i}\n" for i, label in zip((0, 6, 12, 18), ("L", "l", "M", "M"), strict=True)
    )
    (tmp_path / "t.csv").write_text(f"image,label,patient\n{rows}")
    table = CsvTable(root=tmp_path / "set", table=tmp_path / "t.csv", patient="patient")
    assert "the classes 'L', 'l' differ only in case or spaces" in [
        each.text for each in check(table, tmp_path).findings
    ]
    spec = table.model_copy(update={"selected": {"L": "x", "l": "y", "M": "z"}})
    assert "alike_classes" not in [each.what for each in check(spec, tmp_path).findings]


def test_names_that_seem_to_tell_the_patient_are_pointed_out(tmp_path: Path) -> None:
    for i in range(20):
        file = tmp_path / "set" / "ab"[i // 2 % 2] / f"scan_{i // 2:02d}_{i % 2}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture(i).save(file)
    (finding,) = check(ImageFolder(root=tmp_path / "set"), tmp_path).findings
    assert finding.advice == (
        "If that is the patient, say so: data.patient='scan_{patient}_*'; else patients are on both sides."
    )
    assert found(check(of(tmp_path / "set", patient="scan_{patient}_*"), tmp_path)) == []


def test_where_nothing_tells_the_patient_that_is_said(root: Path, tmp_path: Path) -> None:
    result = check(ImageFolder(root=root), tmp_path)
    assert found(result) == [("no_patients", False)] and result.num_patients is None


def test_small_black_white_and_misnamed_pictures_are_pointed_out(root: Path, tmp_path: Path) -> None:
    picture(50, 10).save(root / "a" / "50_x.png")
    Image.new("RGB", (32, 32), (2, 2, 2)).save(root / "a" / "51_x.png")
    Image.new("RGB", (32, 32), (250, 250, 250)).save(root / "b" / "52_x.png")
    picture(53).save(root / "b" / "53_x.jpg", format="PNG")
    result = check(of(root), tmp_path)
    assert [(finding.what, finding.items) for finding in result.findings] == [
        ("enlarged", ("a/50_x.png",)),
        ("nearly_black", ("a/51_x.png",)),
        ("nearly_white", ("b/52_x.png",)),
        ("suffix", ("b/53_x.jpg is PNG",)),
    ]
    assert result.findings[0].text == "1 image (4.2%) smaller than 16 pixels and enlarged; the smallest has 10"


def test_a_kind_of_file_that_tells_the_class_is_pointed_out(root: Path, tmp_path: Path) -> None:
    for file in (root / "b").glob("*.png"):
        Image.open(file).convert("L").save(file)
    result = check(of(root), tmp_path)
    assert found(result) == [("telling", False), ("telling", False)]
    assert result.findings[1].text == "files of one kind (PNG L): 100% of class 'b', but 0% of the others"


def test_dicom_files_without_a_window_are_pointed_out_until_one_is_given(tmp_path: Path) -> None:
    for i in range(8):
        grey = np.asarray(picture(i).convert("L")).astype(np.uint16) * 10
        save_dicom(tmp_path / "set" / "ab"[i % 2] / f"{i}_x.dcm", grey)
    result = check(of(tmp_path / "set"), tmp_path)
    assert found(result) == [("no_window", False)] and result.kinds == {"DICOM MONOCHROME2, 16 bits": 8}
    assert found(check(of(tmp_path / "set", window={"center": 1280, "width": 2560}), tmp_path)) == []


def test_a_set_that_is_in_no_files_is_checked_by_its_images(tmp_path: Path) -> None:
    from ganforge_stub.data import StubStripes

    result = check(StubStripes(), tmp_path)
    assert result.kinds == {"loaded RGB, 8 bits": result.num_images} and result.files is None
    assert look_at_array(np.zeros((3, 4, 4), np.uint8)).brightness == 0


def test_a_page_names_no_file_and_shows_no_picture_until_that_is_asked_for(root: Path, tmp_path: Path) -> None:
    (root / "a" / "SECRET_x.png").write_bytes(b"")
    (root / "a" / "deeper").mkdir()
    picture(0).save(root / "b" / "00_y.bmp")
    result = check(of(root), tmp_path)
    page = tmp_path / "page.html"
    write_page(page, result, with_pictures=False)
    text = page.read_text()
    assert "1 x: is empty" in text and "the same pixels in two classes" in text
    assert not any(word in text for word in ("SECRET", "00_y", "deeper", str(tmp_path), "<img", "http:", "https:"))
    assert '<dl class="facts">' in text and "style=" not in text  # the report's page, whose policy allows no styles
    write_page(page, result, with_pictures=True)
    text = page.read_text()
    assert "SECRET_x.png is empty" in text and "00_y.bmp" in text
    assert "<strong>This page holds real pictures and file names.</strong> Don" in text
    assert text.count('src="data:image/png;base64,') == 18 and str(tmp_path) not in text


def test_a_page_escapes_what_names_hold(tmp_path: Path) -> None:
    for name in ("<script>alert(1)</script>".replace("/", ""), "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(3):
            picture(i + len(name)).save(tmp_path / "set" / name / f"{i}&.png")
    write_page(tmp_path / "page.html", check(ImageFolder(root=tmp_path / "set"), tmp_path), with_pictures=True)
    text = (tmp_path / "page.html").read_text()
    assert "<script>alert" not in text and "&lt;script&gt;" in text and "0&amp;.png" in text
