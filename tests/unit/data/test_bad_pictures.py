"""Whatever lies in a folder, it is used as it is or named with a reason. Nothing is put in its place."""

from __future__ import annotations

import errno
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.data.decode import UnusableImage, decode
from ganforge.data.images import LabelledImages, LeftOut, LoadContext
from ganforge.data.quarantine import write_quarantine
from ganforge.data.reading import Reading
from ganforge.data.specs import ImageFolder
from ganforge.errors import DataError
from ganforge.recipe.models import SplitSpec

GREY = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))


def as_bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def noise(side: int = 32) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8))


def not_a_number() -> bytes:
    return as_bytes(Image.fromarray(np.full((8, 8), np.nan, np.float32)), "TIFF")


#: What a file of this name may hold -> the reason that is told.
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.jpg": (lambda: b"", "is empty"),
    "zeros.png": (lambda: bytes(3000), "is no JPEG, PNG, TIFF, BMP or DICOM"),
    "page.jpg": (lambda: b"<!doctype html><title>Sign in</title>\n", "is text, not a picture"),
    "cut.jpg": (lambda: as_bytes(noise(), "JPEG")[:-200], "is truncated"),
    "cut.png": (lambda: as_bytes(noise(), "PNG")[:-700], "is truncated"),
    "cut.tif": (lambda: as_bytes(noise(), "TIFF")[:-700], "is "),
    "twelve.png": (lambda: as_bytes(Image.fromarray(np.full((8, 8), 900, np.uint16)), "PNG"), "has 16-bit pixels of "),
    "nan.tif": (not_a_number, "has pixels of mode F, "),
    "whole.tif": (
        lambda: as_bytes(Image.fromarray(np.full((8, 8), 70_000, np.int32)), "TIFF"),
        "has pixels of mode I, ",
    ),
    "pages.tif": (
        lambda: as_bytes(GREY, "TIFF", save_all=True, append_images=[GREY.rotate(90)]),
        "holds several pictures",
    ),
    "moves.png": (
        lambda: as_bytes(GREY, "PNG", save_all=True, append_images=[GREY.rotate(90)]),
        "holds several pictures",
    ),
    "gif.png": (lambda: as_bytes(GREY, "GIF"), "is a GIF; "),
    "webp.jpg": (lambda: as_bytes(noise(), "WEBP"), "is a WebP picture; "),
    "archive.png": (lambda: b"PK\x03\x04" + bytes(60), "is a zip archive; "),
}

#: What is used, and the level of its first pixel's red.
GOOD: dict[str, tuple[Callable[[], bytes], int]] = {
    "cmyk.jpg": (lambda: as_bytes(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG"), 255),
    "grey.png": (lambda: as_bytes(Image.new("L", (8, 8), 90), "PNG"), 90),
    "deep.png": (lambda: as_bytes(Image.fromarray(np.full((8, 8), 257 * 60, np.uint16)), "PNG"), 60),
    "palette.png": (lambda: as_bytes(Image.new("RGB", (8, 8), (40, 1, 2)).quantize(4), "PNG"), 40),
    "alpha.png": (lambda: as_bytes(Image.new("RGBA", (8, 8), (200, 0, 0, 128)), "PNG"), 100),
    "bits.png": (lambda: as_bytes(Image.new("1", (8, 8), 1), "PNG"), 255),
    "really_png.jpg": (lambda: as_bytes(Image.new("RGB", (8, 8), (33, 0, 0)), "PNG"), 33),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty pictures in two classes."""
    for i in range(20):
        file = tmp_path / "set" / "ab"[i % 2] / f"{i:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (10 * i, 0, 0)).save(file)
    return tmp_path / "set"


def load(root: Path, most: float | None = None, said: list[str] | None = None) -> LabelledImages:
    heard = said if said is not None else []
    return ImageFolder(root=root).load(4, LoadContext(root.parent / "cache", max_bad_fraction=most, warn=heard.append))


def refusal(root: Path, most: float | None = None) -> str:
    with pytest.raises(DataError) as error:
        load(root, most)
    return str(error.value)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_of_each_kind_is_named_with_its_reason_or_left_out(root: Path, name: str) -> None:
    make, reason = BAD[name]
    before = load(root)
    (root / "a" / name).write_bytes(make())
    assert f"\n  a/{name} {reason}" in refusal(root)
    said: list[str] = []
    images = load(root, 0.05, said)
    assert [left.name for left in images.left_out] == [f"a/{name}"]
    assert images.left_out[0].reason.startswith(reason)
    assert said[0] == "1 of 21 images can't be used and are left out."
    assert images.card == before.card and np.array_equal(images.images, before.images) and images.names == before.names


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_of_an_odd_kind_is_used(root: Path, name: str) -> None:
    make, level = GOOD[name]
    (root / "a" / name).write_bytes(make())
    images = load(root)
    assert abs(int(images.images[images.names.index(f"a/{name}")][0, 0, 0]) - level) <= 1


def test_all_reasons_are_told_and_above_the_fraction_the_run_stops(root: Path) -> None:
    for name in ("empty.jpg", "page.jpg", "cut.jpg"):
        (root / "b" / name).write_bytes(BAD[name][0]())
    told = ["  b/cut.jpg is truncated.", "  b/empty.jpg is empty.", "  b/page.jpg is text, not a picture."]
    assert refusal(root).splitlines()[1:4] == told
    text = refusal(root, 0.1)
    assert text.splitlines()[0] == (
        "3 of 23 images can't be used, more than bad_images.max_fraction=0.1 leaves out (3 problems):"
    )
    assert text.splitlines()[1:4] == told
    assert len(load(root, 0.15)) == 20


def test_what_was_left_out_is_known_from_the_cache_too(root: Path) -> None:
    (root / "b" / "empty.jpg").write_bytes(b"")
    first, again = load(root, 0.1), load(root, 0.1)
    assert first.left_out == again.left_out == (LeftOut("b/empty.jpg", "is empty"),)
    assert "b/empty.jpg is empty." in refusal(root)
    assert first.card == again.card


def test_a_set_of_bad_files_alone_is_refused_under_any_policy(tmp_path: Path) -> None:
    (tmp_path / "set" / "a").mkdir(parents=True)
    (tmp_path / "set" / "a" / "x.png").write_bytes(b"")
    assert refusal(tmp_path / "set", 0.99).startswith("1 of 1 images can't be used")


def test_a_file_that_vanishes_after_it_was_listed_is_a_bad_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ImageFolder.files

    def and_gone(spec: ImageFolder, context: LoadContext) -> object:
        files = listed(spec, context)
        (root / "a" / "00.png").unlink()
        return files

    monkeypatch.setattr(ImageFolder, "files", and_gone)
    assert refusal(root).splitlines()[1] == "  a/00.png is not there."
    (root / "a" / "00.png").write_bytes((root / "a" / "02.png").read_bytes())
    assert load(root, 0.1).left_out == (LeftOut("a/00.png", "is not there"),)


def test_a_file_that_is_closed_to_us_is_a_bad_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def closed(path: Path, *arguments: object, **options: object) -> object:
        if path.name == "01.png":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", closed)
    assert refusal(root).splitlines()[1] == "  b/01.png can't be read: Permission denied."


def test_what_is_no_file_is_named_and_never_waited_for(root: Path) -> None:
    (root / "a" / "folder.png").mkdir()
    os.mkfifo(root / "a" / "pipe.png")
    (root / "a" / "loop.png").symlink_to("loop.png")
    (root / "a" / "nowhere.png").symlink_to("gone.png")
    (root / "a" / "device.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(root / "a" / "socket.png"))
        assert refusal(root).splitlines()[1:] == [
            "  a/device.png is a device; take it away.",
            "  a/folder.png is a folder; images must lie directly in the class folder.",
            "  a/loop.png is a link that leads nowhere; take it away.",
            "  a/nowhere.png is a link that leads nowhere; take it away.",
            "  a/pipe.png is a pipe; take it away.",
            "  a/socket.png is a socket; take it away.",
        ]
    for name, reason in (("pipe.png", "is a pipe, not a file"), ("device.png", "is a device, not a file")):
        with pytest.raises(UnusableImage) as error:
            decode(root / "a" / name)
        assert str(error.value) == reason


def test_names_that_are_no_utf_8_are_used_and_split_like_all_others(root: Path) -> None:
    from ganforge.data.split import split_images

    odd = Path(os.fsdecode(os.fsencode(root / "a") + b"/\xff\xfe.png"))
    odd.write_bytes((root / "a" / "00.png").read_bytes())
    images = load(root)
    assert "a/\udcff\udcfe.png" in images.names
    train, held_out = split_images(images, SplitSpec())
    assert len(train) + len(held_out) == 21


def test_the_list_of_what_was_left_out_takes_any_name(tmp_path: Path) -> None:
    write_quarantine(tmp_path / "q.csv", [LeftOut('a/"x",\n\udcff.png', "is empty")])
    assert (tmp_path / "q.csv").read_text() == 'image,reason\n"a/""x"",\n\\udcff.png",is empty\n'


def test_a_window_says_what_the_values_of_a_deep_picture_mean(tmp_path: Path) -> None:
    values = np.array([[0, 1000, 4095, 60_000]])
    reading = Reading(window=(2048.0, 4096.0))
    for kind in (np.uint16, np.int32, np.float32):
        Image.fromarray(values.astype(kind)).save(tmp_path / "x.tif")
        assert np.asarray(decode(tmp_path / "x.tif", reading=reading))[0, :, 0].tolist() == [0, 62, 255, 255]
    Image.fromarray(np.array([[np.nan, 1]], np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(UnusableImage, match=r"^has pixels that are no finite numbers$"):
        decode(tmp_path / "x.tif", reading=reading)


def test_a_window_is_part_of_what_decides_the_pixels(tmp_path: Path) -> None:
    (tmp_path / "set" / "a").mkdir(parents=True)
    Image.fromarray(np.full((8, 8), 2000, np.uint16)).save(tmp_path / "set/a/x.png")
    context = LoadContext(tmp_path / "cache")
    levels = [
        int(ImageFolder(root=tmp_path / "set", window={"center": c, "width": 4096}).load(4, context).images[0][0, 0, 0])
        for c in (2048, 1500)
    ]
    assert levels == [125, 159]
