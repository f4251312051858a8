"""The dataset `image_folder`."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from ganforge.data.images import LoadContext
from ganforge.data.listing import natural_order
from ganforge.data.shards import Shards
from ganforge.data.specs import ImageFolder
from ganforge.errors import DataError


def picture(file: Path, level: int = 100) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), (level, 50, 50)).save(file)
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, level in [("a/p1_x.png", 10), ("a/p2_x.png", 20), ("b/p1_y.png", 30)]:
        picture(tmp_path / "set" / name, level)
    return tmp_path / "set"


@pytest.fixture
def context(tmp_path: Path) -> LoadContext:
    return LoadContext(tmp_path / "cache")


def test_each_folder_is_a_class(root: Path, context: LoadContext) -> None:
    images = ImageFolder(root=root).load(4, context)
    assert images.card.classes == ("a", "b") and images.card.name == "set" and not images.card.is_phantom
    assert images.labels.tolist() == [0, 0, 1]
    assert images.names == images.groups == ["a/p1_x.png", "a/p2_x.png", "b/p1_y.png"]
    assert images.images.shape == (3, 3, 4, 4) and images.images[:][:, 0, 0, 0].tolist() == [10, 20, 30]


def test_images_are_memory_mapped_and_what_is_done_to_a_copy_reaches_no_disk(root: Path, context: LoadContext) -> None:
    images = ImageFolder(root=root).load(4, context).images
    assert isinstance(images, Shards)
    images[0][:] = 0
    assert images[0].max() > 0 and isinstance(images._maps[0].base, np.memmap) and not images._maps[0].flags.writeable


def test_classes_select_and_order(root: Path, context: LoadContext) -> None:
    assert ImageFolder(root=root, classes=("b", "a")).load(4, context).labels.tolist() == [0, 1, 1]
    assert len(ImageFolder(root=root, classes=("b",)).load(4, context)) == 1


def test_folders_are_ordered_as_people_count(tmp_path: Path) -> None:
    for name in ("10", "9", "grade 2", "grade 10"):
        (tmp_path / name).mkdir()
    assert ImageFolder(root=tmp_path).classes() == ("9", "10", "grade 2", "grade 10")


def test_the_pattern_finds_the_patient(root: Path, context: LoadContext) -> None:
    assert ImageFolder(root=root, patient="{patient}_*").load(4, context).groups == ["p1", "p2", "p1"]


def test_the_fingerprint_follows_pixels_labels_and_groups(root: Path, context: LoadContext) -> None:
    specs = [ImageFolder(root=root), ImageFolder(root=root, patient="{patient}_*"), ImageFolder(root=root, fit="pad")]
    prints = [spec.load(4, context).card.fingerprint for spec in specs]
    assert len(set(prints)) == 3
    assert ImageFolder(root=root).load(4, context).card.fingerprint == prints[0]
    picture(root / "a/p1_x.png", 11)
    assert ImageFolder(root=root).load(4, context).card.fingerprint != prints[0]


def test_a_spec_survives_dump_and_validate(root: Path) -> None:
    spec = ImageFolder(root=root, classes=("b", "a"), patient="{patient}")
    assert ImageFolder.model_validate(spec.model_dump()) == spec
    assert spec.model_dump(mode="json")["classes"] == ["b", "a"]
    assert "classes" in ImageFolder.model_json_schema()["properties"]


def test_every_bad_file_is_named(root: Path, context: LoadContext) -> None:
    (root / "a/broken.jpg").write_text("oops")
    (root / "b/empty.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        ImageFolder(root=root).load(4, context)
    assert str(error.value) == (
        "some images can't be used (2 problems):\n"
        "  a/broken.jpg is text, not a picture.\n"
        "  b/empty.png is empty.\n"
        "Replace these files, or take them out of the set."
    )


def test_everything_out_of_place_is_named(root: Path, context: LoadContext) -> None:
    (root / "none").mkdir()
    (root / "b/deeper").mkdir()
    (root / "b/notes.txt").write_text("a note")
    (root / "b/.DS_Store").write_bytes(b"x")
    picture(root / "stray.png")
    with pytest.raises(DataError) as error:
        ImageFolder(root=root, patient="{patient}1_*").load(4, context)
    assert str(error.value) == (
        f"{root} can't be used as an image folder (5 problems):\n"
        "  stray.png lies beside the class folders; move it into one.\n"
        "  b/deeper is a folder; images must lie directly in the class folder.\n"
        "  b/notes.txt is no image by its suffix (known: .bmp, .dcm, .jpeg, .jpg, .png, .tif, .tiff); move it away.\n"
        "  the class folder 'none' holds no image; fill it, remove it, or select others with `classes`.\n"
        "  a/p2_x.png: `patient: {patient}1_*` finds no patient in 'p2_x'."
    )


def test_folders_that_can_not_be_looked_at_are_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "x" * 300
    with pytest.raises(DataError) as error:
        ImageFolder(root=Path(name)).classes()
    assert str(error.value) == f"{name} can't be read: File name too long."
    listed = Path.iterdir

    def closed(folder: Path) -> Iterator[Path]:
        if folder == root / "b":
            raise PermissionError(errno.EACCES, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", closed)
    with pytest.raises(DataError) as error:
        ImageFolder(root=root).load(4, LoadContext(root.parent / "cache"))
    assert str(error.value) == f"{root}/b can't be read: Permission denied."


def test_names_with_thousands_of_digits_are_counted_too() -> None:
    names = ["9" * 5000, "10", "2", "0" * 5000 + "1", "a\u0663", "a4"]
    assert natural_order(names) == ["0" * 5000 + "1", "2", "10", "9" * 5000, "a\u0663", "a4"]


def test_only_the_first_twenty_problems_are_shown(root: Path, context: LoadContext) -> None:
    for i in range(23):
        (root / f"a/bad{i:02d}.txt").write_bytes(b"")
    with pytest.raises(DataError) as error:
        ImageFolder(root=root).load(4, context)
    lines = str(error.value).splitlines()
    assert lines[0] == f"{root} can't be used as an image folder (23 problems):"
    assert lines[20].startswith("  a/bad19.txt is no image by its suffix") and lines[21] == "  ... and 3 more."


def test_a_class_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(DataError, match="there is no folder 'aa'\\. Did you mean 'a'\\?\nIt holds: a, b\\."):
        ImageFolder(root=root, classes=("aa",)).classes()


def test_a_root_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=re.escape(f"there is no folder {tmp_path / 'x'} (looked from ")):
        ImageFolder(root=tmp_path / "x").classes()
    with pytest.raises(DataError, match="has no sub-folders; an image folder needs one sub-folder of images per class"):
        ImageFolder(root=tmp_path).classes()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("patient", r"^(\d+)_", r"'\^\(\\d\+\)_' must hold \{patient\} once, such as '\{patient\}_\*' for 10_left.jpg"),
        ("patient", ["{patient}_*", "{patient}{patient}"], r"'\{patient\}\{patient\}' must hold \{patient\} once"),
        ("classes", ("a", "a"), r"names 'a' more than once\."),
    ],
)
def test_fields_are_checked(field: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ImageFolder.model_validate({"root": ".", field: value})


def test_equal_files_of_different_classes_are_warned_of(root: Path, tmp_path: Path) -> None:
    picture(root / "b/copy.png", 10)
    said: list[str] = []
    ImageFolder(root=root).load(4, LoadContext(tmp_path / "cache", warn=said.append))
    assert said == [
        "1 files have the same content as another of a different class or patient, such as a/p1_x.png and b/copy.png."
    ]


def test_enlarged_images_are_warned_of_also_from_the_cache(root: Path, tmp_path: Path) -> None:
    for _ in range(2):
        said: list[str] = []
        ImageFolder(root=root).load(8, LoadContext(tmp_path / "cache", warn=said.append))
        assert said == ["3 of 3 images are smaller than 8 pixels and were enlarged."]


def test_a_strip_that_padding_would_blow_up_is_refused_by_name(tmp_path: Path) -> None:
    for name, size in (("a", (20_000, 20)), ("b", (20, 20))):
        (tmp_path / name).mkdir()
        Image.new("RGB", size).save(tmp_path / name / "picture.png")
    with pytest.raises(DataError, match="is 20000 x 20 pixels, too long to be padded to a square"):
        ImageFolder(root=tmp_path, fit="pad").load(8, LoadContext(tmp_path / "cache"))


def test_a_root_that_is_a_link_to_nothing_or_a_pipe_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    for name, odd in (("loop", "a link that leads nowhere"), ("gone", "a link that leads nowhere"), ("pipe", "a pipe")):
        root = tmp_path / name
        with pytest.raises(DataError) as error:
            ImageFolder(root=root).classes()
        assert str(error.value) == f"{root} is {odd}, but must be the folder that holds the images."
