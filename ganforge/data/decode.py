"""Pictures from files, as plain 8-bit RGB, or a reason why a file can't be used."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

#: What Pillow may try on a file. Everything else is refused before a decoder sees it.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
#: Suffixes (lower case) by which files in folders are taken for pictures.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"})
#: Largest picture, by its header: 64 megapixels are 192 MB once decoded.
MAX_PIXELS = 64_000_000

_SIGNATURES = (
    (0, b"GIF8", "a GIF"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftyp", "a HEIC or AVIF picture"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a zip archive"),
)
_EIGHT_BIT_MODES = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr"})
_GREY_MODES = frozenset({"1", "L", "LA", "La"})


class Header(NamedTuple):
    """What is known of a picture before it is decoded: its sides in pixels, before any turn by EXIF."""

    width: int
    height: int
    #: It has no colour channels; a grey picture may also be stored as RGB.
    is_grey: bool


class UnusableImage(ValueError):  # noqa: N818 - it is a finding about a file, collected into a DataError
    """A file that can't be used as a picture; the message is the reason, without the file's name."""


def decode(path: Path, at_least: int = 0) -> Image.Image:
    """The picture of a file as RGB, turned as its EXIF tag says.

    Grey becomes RGB, 16-bit grey is scaled by its full range, palettes and CMYK are converted, and transparent
    pixels are laid over black. `at_least` (pixels, 0: full size) lets a JPEG be decoded at 1/2, 1/4 or 1/8 as
    long as both sides keep that many; it is several times faster. Raises UnusableImage with the reason.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        if at_least and image.format == "JPEG":
            image.draft(None, (at_least, at_least))
        image.load()
        return _as_rgb(ImageOps.exif_transpose(image))


def size_by_header(path: Path) -> tuple[int, int]:
    """Width and height in pixels, before any turn by EXIF; nothing is decoded. Raises UnusableImage as `decode`."""
    header = read_header(path)
    return header.width, header.height


def read_header(path: Path) -> Header:
    """What the header says; nothing is decoded. Raises UnusableImage as `decode`."""
    with _opened(path) as image:
        return Header(*image.size, image.mode in _GREY_MODES or image.mode.startswith("I;16"))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The picture behind its header; what Pillow raises then or in the block becomes UnusableImage."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # MAX_PIXELS is stricter
            with Image.open(path, formats=FORMATS) as image:
                _refuse_by_header(image)
                yield image
    except UnusableImage:
        raise
    except Image.UnidentifiedImageError:
        raise UnusableImage(_what_it_is(path)) from None
    except Image.DecompressionBombError:
        raise UnusableImage(_too_large()) from None
    except FileNotFoundError:
        raise UnusableImage("is not there") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, struct.error, ... for damaged files
        text = str(error)
        reason = "is truncated" if "truncated" in text.lower() else f"is damaged ({text or type(error).__name__})"
        raise UnusableImage(reason) from error


def _refuse_by_header(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UnusableImage(f"{_too_large()}: {image.width} x {image.height} pixels")
    # MPO is a JPEG with further views of the same scene behind it; the first is the picture.
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise UnusableImage(f"holds {frames} pictures; save each as a file of its own")


def _as_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I;16"):
        return _from_sixteen_bits(image)
    if image.has_transparency_data or image.mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    if image.mode not in _EIGHT_BIT_MODES:
        raise UnusableImage(f"has pixels of mode {image.mode}, which have no agreed range; save it as 8-bit RGB")
    return image.convert("RGB")


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """65535 becomes 255. A 12-bit picture in 16-bit pixels would come out black, so it is refused."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image).astype(np.uint32)
    largest = int(values.max())
    if 0 < largest < 4096:
        raise UnusableImage(f"has 16-bit pixels of which the largest is {largest}; rescale it to 0..65535 or to 8 bits")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _what_it_is(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "is empty"
    for offset, signature, name in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return f"is {name}; only JPEG, PNG, TIFF and BMP are read"
    if not set(head) & (set(range(32)) - {9, 10, 12, 13}):
        return "is text, not a picture"
    return "is no JPEG, PNG, TIFF or BMP"


def _too_large() -> str:
    return f"has more than {MAX_PIXELS // 1_000_000} megapixels"
