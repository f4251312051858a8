"""What a first recipe says of how pictures become squares of 256 levels: their window, their edges."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from radiographs import save_radiographs

from ganforge.recipe.load import load_recipe
from ganforge.registry import Components
from ganforge.starter import depth
from ganforge.starter.choices import choose
from ganforge.starter.depth import Depth, depth_of
from ganforge.starter.survey import survey
from ganforge.starter.write import new_recipe

Drawn = Callable[..., Path]


def deep(folder: Path, *largest: int) -> list[Path]:
    """16-bit pictures with these as their largest values."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"im{number:03d}.png" for number in range(len(largest))]
    for file, value in zip(files, largest, strict=True):
        Image.fromarray(np.array([[0, value], [0, value // 2]], np.uint16)).save(file)
    return files


def unwrapped(recipe: Path) -> str:
    """The text of a recipe with each comment on one line."""
    return re.sub(r"\n *# ", " ", recipe.read_text())


@pytest.mark.parametrize(
    ("largest", "window"),
    [
        ((3000, 3990), "{center: 2048, width: 4096}"),
        ((200, 255), "{center: 128, width: 256}"),
        ((9000, 16383), "{center: 8192, width: 16384}"),
        ((900, 40_000), None),
        ((0, 0), None),
    ],
)
def test_the_window_is_that_of_the_bits_that_are_used(
    tmp_path: Path, components: Components, largest: tuple[int, ...], window: str | None
) -> None:
    for name in "ab":
        deep(tmp_path / "set" / name, *largest)
    made = new_recipe(tmp_path / "set", tmp_path / "x.yaml", None, components)
    text = unwrapped(made.file)
    recipe = load_recipe(made.file, (), components).recipe
    if window is None:
        assert recipe.data.window is None and "window:" not in text  # type: ignore[attr-defined]
    else:
        assert f"  window: {window}" in made.file.read_text().splitlines()
        assert (
            f"The largest value in 4 of the 16-bit pictures is {max(largest):,}, of 65,535 that there could be:" in text
        )


def test_a_few_pictures_of_16_bits_are_decoded_from_all_over_the_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = deep(tmp_path, *range(100, 120))
    assert depth_of(files) == Depth(8, 119)
    monkeypatch.setattr(depth, "MOST_DECODED", 2)
    assert depth_of(files) == Depth(2, 119)
    assert depth_of(files[::-1]) == Depth(2, 119)


def test_damaged_pictures_and_those_of_8_bits_say_nothing_of_the_depth(tmp_path: Path) -> None:
    large, other = deep(tmp_path, 3000, 700)
    grey = tmp_path / "grey.png"
    Image.new("L", (4, 4), 200).save(grey)
    rows = np.random.default_rng(0).integers(0, 4000, (64, 64), np.uint16)
    Image.fromarray(rows).save(large)
    large.write_bytes(large.read_bytes()[:400])
    (tmp_path / "text.png").write_text("no picture")
    assert depth_of([large, grey, other, tmp_path / "text.png", tmp_path / "nowhere.png"]) == Depth(1, 700)
    assert depth_of([large]) is None
    assert depth_of([grey]) is None


def test_dicom_files_beside_them_leave_the_window_open(tmp_path: Path) -> None:
    files = deep(tmp_path, 3000)
    (tmp_path / "x.dcm").write_bytes(b"\0" * 128 + b"DICM")
    assert depth_of(files) == Depth(1, 3000)
    assert depth_of([*files, tmp_path / "x.dcm"]) is None


@pytest.mark.parametrize(
    ("size", "fit", "reason"),
    [
        ((40, 40), "crop", "The pictures are square, or nearly so."),
        ((40, 32), "crop", "20% of the area of a picture (the median) is outside its centred square and is cut off."),
        ((40, 30), "crop", "25% of the area of a picture (the median) is outside its centred square and is cut off."),
        ((30, 45), "pad", "33% of the area of a picture (the median) is outside its centred square, and `crop` would"),
    ],
)
def test_pictures_that_a_crop_would_cut_short_are_padded(
    drawn: Drawn, components: Components, tmp_path: Path, size: tuple[int, int], fit: str, reason: str
) -> None:
    made = new_recipe(drawn({"a": 3, "b": 3}, size=size), tmp_path / "x.yaml", None, components)
    assert reason in unwrapped(made.file)
    assert f"  fit: {fit}" in made.file.read_text().splitlines()
    assert load_recipe(made.file, (), components).recipe.data.fit == fit  # type: ignore[attr-defined]


def test_a_dataset_that_has_no_such_field_is_told_nothing(drawn: Drawn, components: Components) -> None:
    by_name = drawn({str(grade): [f"{grade}{n}_left" for n in range(2)] for grade in range(5)}, size=(90, 40))
    found = survey(by_name, components)
    assert found.spec.kind == "diabetic_retinopathy"
    assert choose(found).pictures == {}


@pytest.mark.parametrize("place", ["xrays/labels.csv", "xrays"])
def test_a_table_is_named_as_it_was_given(
    tmp_path: Path, components: Components, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save_radiographs(Path("xrays"), patients=3)
    made = new_recipe(Path(place), Path("x.yaml"), None, components)
    text = made.file.read_text()
    assert "  root: xrays/images\n" in text and "  table: xrays/labels.csv\n" in text
    assert str(tmp_path) not in text
    assert load_recipe(made.file, (), components).recipe.data.classes() == ("effusion", "nodule", "normal")
    absolute = survey(tmp_path / place, components).spec
    assert absolute.table == tmp_path / "xrays" / "labels.csv"  # type: ignore[attr-defined]


def test_a_table_that_root_has_a_namesake_of_keeps_its_full_path(
    tmp_path: Path, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_radiographs(Path("xrays"), patients=3)
    (tmp_path / "xrays" / "images" / "xrays").mkdir()
    (tmp_path / "xrays" / "images" / "xrays" / "labels.csv").write_text("another\n")
    found = survey(Path("xrays/labels.csv"), components)
    assert found.spec.table == tmp_path / "xrays" / "labels.csv"  # type: ignore[attr-defined]
