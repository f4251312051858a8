"""Every kind of picture that a folder may hold comes out as RGB, or is refused with a reason."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from deep_pictures import deep_png, deep_tiff, png
from PIL import Image

from ganforge.data.decode import UnusableImage, bits_of, decode, opened, size_by_header
from ganforge.data.reading import Reading


def reason(file: Path) -> str:
    with pytest.raises(UnusableImage) as error:
        decode(file)
    return str(error.value)


def saved(image: Image.Image, file: Path, **options: object) -> Path:
    image.save(file, **options)
    return file


def png_header(width: int, height: int) -> bytes:
    return png(width, height, 8, 2, b"\0" * 10)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    image = decode(saved(Image.new("L", (4, 3), 90), tmp_path / "grey.png"))
    assert (image.mode, image.size, image.getpixel((0, 0))) == ("RGB", (4, 3), (90, 90, 90))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_by_their_full_range(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    image = decode(saved(Image.fromarray(values), tmp_path / f"deep.{suffix}"))
    assert np.asarray(image)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_twelve_bits_in_sixteen_are_refused(tmp_path: Path) -> None:
    file = saved(Image.fromarray(np.full((2, 2), 4000, dtype=np.uint16)), tmp_path / "twelve.png")
    assert reason(file) == (
        "has 16-bit pixels of which the largest is 4000; "
        "say their range with `window`, or rescale it to 0..65535 or to 8 bits"
    )


@pytest.mark.parametrize(
    "content",
    [deep_png(4095, 65535), deep_png(9, 4095, 0), deep_png(9, 4095, 0, 65535), deep_tiff(9, 4095, 0)],
    ids=["grey and alpha", "colours", "colours and alpha", "tiff"],
)
def test_twelve_bits_in_sixteen_are_refused_in_several_channels(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "twelve"
    file.write_bytes(content)
    assert reason(file) == (
        "has several channels of 16 bits, without a value above 4095; rescale it to 0..65535 or to 8 bits, or save it "
        "as 16-bit grey and say its range with `window`"
    )


@pytest.mark.parametrize("content", [deep_png(65535, 4096, 0), deep_tiff(65535, 4096, 0)], ids=["png", "tiff"])
def test_sixteen_bits_in_several_channels_are_scaled_by_their_full_range(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "colours"
    file.write_bytes(content)
    assert decode(file).getpixel((0, 0)) == (255, 16, 0)
    with opened(file) as image:
        assert bits_of(image) == 16


def white_is_zero(values: np.ndarray, file: Path) -> Path:
    """A TIFF of 8 or 16 bits whose smallest value is white."""
    content = saved(Image.fromarray(values), file).read_bytes()
    black, white = (struct.pack("<HHIHH", 262, 3, 1, photometric, 0) for photometric in (1, 0))
    assert content.count(black) == 1
    file.write_bytes(content.replace(black, white))
    return file


def test_a_tiff_whose_white_is_zero_is_inverted_at_any_depth(tmp_path: Path) -> None:
    levels = np.array([[0, 1, 127, 255]], dtype=np.uint8)
    deep = white_is_zero(levels.astype(np.uint16) * 257, tmp_path / "deep.tif")
    shallow = white_is_zero(levels, tmp_path / "shallow.tif")
    twelve = white_is_zero(np.array([[0, 4095]], dtype=np.uint16), tmp_path / "twelve.tif")
    assert np.asarray(decode(deep))[0, :, 0].tolist() == [255, 254, 128, 0]
    assert np.asarray(decode(shallow))[0, :, 0].tolist() == [255, 254, 128, 0]
    assert np.asarray(decode(twelve, reading=Reading(window=(2048, 4096))))[0, :, 0].tolist() == [255, 0]


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    colours = Image.new("RGB", (2, 1), (200, 10, 30)).quantize(4)
    assert decode(saved(colours, tmp_path / "palette.png")).getpixel((1, 0)) == (200, 10, 30)


def test_transparent_pixels_are_laid_over_black(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 1), (200, 100, 50, 255))
    image.putpixel((0, 0), (200, 100, 50, 0))
    decoded = decode(saved(image, tmp_path / "alpha.png"))
    assert [decoded.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (200, 100, 50)]


def test_a_transparent_palette_colour_is_laid_over_black(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 0)
    decoded = decode(saved(image, tmp_path / "palette.png", transparency=0))
    assert [decoded.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (200, 100, 50)]


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    pixel = decode(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), tmp_path / "ink.jpg")).getpixel((4, 4))
    assert pixel[0] > 240 and max(pixel[1:]) < 15


def test_a_turned_photograph_is_turned_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it turned by 90 degrees clockwise
    image = Image.new("RGB", (8, 4), "black")
    image.paste((255, 255, 255), (0, 0, 4, 4))
    turned = decode(saved(image, tmp_path / "turned.png", exif=exif))
    assert turned.size == (4, 8)
    assert turned.getpixel((0, 0)) == (255, 255, 255) and turned.getpixel((0, 7)) == (0, 0, 0)


def test_a_large_jpeg_is_decoded_smaller_but_not_below_what_is_asked(tmp_path: Path) -> None:
    file = saved(Image.new("RGB", (200, 120)), tmp_path / "large.jpg")
    assert decode(file, at_least=50).size == (100, 60)
    assert decode(file).size == (200, 120)


def test_a_truncated_jpeg_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(stream, "JPEG")
    file = tmp_path / "cut.jpg"
    file.write_bytes(stream.getvalue()[:-300])
    assert reason(file) == "is truncated"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"<html>not found</html>\n", "is text, not a picture"),
        (b"GIF89a\x01\x00\x01\x00", "is a GIF; only JPEG, PNG, TIFF, BMP and DICOM are read"),
        (b"\x00\x01\x02\x03", "is no JPEG, PNG, TIFF, BMP or DICOM"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(content)
    assert reason(file) == expected


def test_a_picture_that_is_too_large_is_refused_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(png_header(9000, 8000))
    assert reason(file) == "has more than 64 megapixels: 9000 x 8000 pixels"
    file.write_bytes(png_header(60_000, 60_000))
    assert reason(file) == "has more than 64 megapixels"


def test_several_pictures_in_one_file_are_refused(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (4, 4)) for _ in range(3)]
    file = saved(pages[0], tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    assert reason(file) == "holds several pictures; save each as a file of its own"


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    file = saved(Image.new("F", (4, 4), 0.5), tmp_path / "float.tif")
    assert (
        reason(file)
        == "has pixels of mode F, which have no agreed range; save it as 8-bit RGB, or say the range with `window`"
    )


def test_a_missing_file_is_a_reason_too(tmp_path: Path) -> None:
    assert reason(tmp_path / "none.png") == "is not there"


def test_the_size_is_read_from_the_header_alone_and_within_the_same_limits(tmp_path: Path) -> None:
    file = tmp_path / "header.png"
    file.write_bytes(png_header(7000, 30))
    assert size_by_header(file) == (7000, 30)
    file.write_bytes(png_header(60_000, 60_000))
    with pytest.raises(UnusableImage, match=r"^has more than 64 megapixels"):
        size_by_header(file)
    file.write_bytes(b"P6 16 16 255\n" + bytes(768))
    with pytest.raises(UnusableImage, match=r"^is no JPEG, PNG, TIFF, BMP or DICOM$"):
        size_by_header(file)


def test_frames_of_a_tiff_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Image.new("RGB", (4, 4)) for _ in range(3)]
    file = saved(pages[0], tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    counting = property(lambda image: pytest.fail("a small file can have a million"))
    monkeypatch.setattr("PIL.TiffImagePlugin.TiffImageFile.n_frames", counting)
    assert reason(file) == "holds several pictures; save each as a file of its own"
