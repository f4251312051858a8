"""Pictures from files, as plain 8-bit RGB, or a reason why a file can't be used."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganforge.data.reading import AS_IT_STANDS, Reading, windowed
from ganforge.files import kind_of

if TYPE_CHECKING:
    from PIL import Image

#: What Pillow may try on a file. Everything else is refused before a decoder sees it.
FORMATS = ("JPEG", "PNG", "TIFF", "BMP")
#: Suffixes (lower case) by which files in folders are taken for pictures.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".dcm"})
#: Largest picture, by its header: 64 megapixels are 192 MB once decoded.
MAX_PIXELS = 64_000_000

#: How the reason begins for which a window is the way out.
TOO_DARK = "has 16-bit pixels of which the largest is"

_SIGNATURES = (
    (0, b"GIF8", "a GIF"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftyp", "a HEIC or AVIF picture"),
    (0, b"%PDF", "a PDF"),
    (0, b"PK\x03\x04", "a zip archive"),
)
_EIGHT_BIT_MODES = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr"})
_BITS = {"1": 1, "I": 32, "F": 32}
#: Tags of TIFF.
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_WHITE_IS_ZERO = 0
_GREY_MODES = frozenset({"1", "L", "LA", "La"})


class Header(NamedTuple):
    """What is known of a picture before it is decoded: its sides in pixels, before any turn by EXIF."""

    width: int
    height: int
    #: It has no colour channels; a grey picture may also be stored as RGB.
    is_grey: bool


class UnusableImage(ValueError):  # noqa: N818 - it is a finding about a file, collected into a DataError
    """A file that can't be used as a picture; the message is the reason, without the file's name."""


class MissingReader(UnusableImage):
    """A file that could be read with another package; the message names it. It says nothing against the file."""


def decode(path: Path, at_least: int = 0, reading: Reading = AS_IT_STANDS) -> Image.Image:
    """The picture of a file as RGB, turned as its EXIF tag says.

    Grey becomes RGB, 16-bit grey is scaled by its full range or by the window of `reading`, 16-bit colours by their
    full range, palettes and CMYK are converted, grey whose white is zero is inverted, and transparent pixels are laid
    over black; of DICOM files see `ganforge.data.dicom`. `at_least`
    (pixels, 0: full size) lets a JPEG be decoded at 1/2, 1/4 or 1/8 as long as both sides keep that many; it is
    several times faster. Raises UnusableImage with the reason, MissingReader where a package is missing.
    """
    from PIL import ImageOps

    if is_dicom(path):
        from ganforge.data.dicom import read_dicom

        return read_dicom(path, reading).convert("RGB")
    with opened(path) as image:
        if at_least and image.format == "JPEG":
            image.draft(None, (at_least, at_least))
        bits, is_negative = bits_of(image), _is_negative(image)
        image.load()
        if bits == 16 and image.mode in ("RGB", "RGBA"):
            _refuse_dark_colours(image)
        picture = _as_rgb(ImageOps.exif_transpose(image), reading)
        return ImageOps.invert(picture) if is_negative else picture


def size_by_header(path: Path) -> tuple[int, int]:
    """Width and height in pixels, before any turn by EXIF; nothing is decoded. Raises UnusableImage as `decode`."""
    header = read_header(path)
    return header.width, header.height


def read_header(path: Path) -> Header:
    """What the header says; nothing is decoded. Raises UnusableImage as `decode`."""
    if is_dicom(path):
        from ganforge.data import dicom

        return Header(*dicom.read_header(path).size, is_grey=True)
    with opened(path) as image:
        return Header(*image.size, image.mode in _GREY_MODES or image.mode.startswith("I;16"))


def bits_of(image: Image.Image) -> int:
    """Bits of a channel in the file, of a picture that is opened and not loaded; of colours with 16, Pillow loads 8."""
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,))))  # type: ignore[attr-defined]
    if image.format == "PNG" and ";16" in str(image.tile):  # type: ignore[attr-defined]
        return 16
    return _BITS.get(image.mode, 8)


def is_dicom(path: Path) -> bool:
    """Whether the file starts as DICOM files do, whatever its name. Raises UnusableImage where it can't be read."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - before it is opened: a pipe would wait for a writer
        if not stat.S_ISREG(mode):
            raise UnusableImage(f"is {kind_of(mode)}, not a file")
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except UnusableImage:
        raise
    except FileNotFoundError:
        raise UnusableImage("is not there") from None
    except (OSError, ValueError) as error:  # ValueError: a null character, which no path has
        raise UnusableImage(f"can't be read: {getattr(error, 'strerror', None) or error}") from None


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The picture behind its header, no DICOM; what Pillow raises then or in the block becomes UnusableImage."""
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
        text = getattr(error, "strerror", None) or str(error)  # the former is without the path
        reason = "is truncated" if "truncated" in text.lower() else f"is damaged ({text or type(error).__name__})"
        raise UnusableImage(reason) from error


def _refuse_by_header(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise UnusableImage(f"{_too_large()}: {image.width} x {image.height} pixels")
    # MPO is a JPEG with further views of the same scene behind it; the first is the picture.
    # To count those of a TIFF, Pillow walks through all: a small file can have a million.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise UnusableImage("holds several pictures; save each as a file of its own")


def _is_negative(image: Image.Image) -> bool:
    """Whether its smallest value is white once it is loaded; Pillow inverts those of 8 bits and fewer itself."""
    is_deep_tiff = image.format == "TIFF" and image.mode.startswith(("I", "F"))
    return is_deep_tiff and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # type: ignore[attr-defined]


def _refuse_dark_colours(image: Image.Image) -> None:
    """12 bits in 16 would come out black: what is loaded is the upper half of each value, 0 to 15."""
    import numpy as np

    largest = int(np.asarray(image)[..., :3].max())
    if largest < 16:
        raise UnusableImage(
            f"has several channels of 16 bits, without a value above {256 * largest + 255}; rescale it to 0..65535 or "
            "to 8 bits, or save it as 16-bit grey and say its range with `window`"
        )


def _as_rgb(image: Image.Image, reading: Reading) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I;16") and reading.window is None:
        return _from_sixteen_bits(image)
    if image.mode.startswith("I;16") or (image.mode in ("I", "F") and reading.window is not None):
        assert reading.window is not None
        return _through_window(image, reading.window)
    if image.has_transparency_data or image.mode in ("LA", "PA", "RGBA", "RGBa", "La"):
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    if image.mode not in _EIGHT_BIT_MODES:
        way_out = "save it as 8-bit RGB" + (", or say the range with `window`" if image.mode in ("I", "F") else "")
        raise UnusableImage(f"has pixels of mode {image.mode}, which have no agreed range; {way_out}")
    return image.convert("RGB")


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """65535 becomes 255. A 12-bit picture in 16-bit pixels would come out black, so it is refused."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image).astype(np.uint32)
    largest = int(values.max())
    if 0 < largest < 4096:
        raise UnusableImage(
            f"{TOO_DARK} {largest}; say their range with `window`, or rescale it to 0..65535 or to 8 bits"
        )
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _through_window(image: Image.Image, window: tuple[float, float]) -> Image.Image:
    import numpy as np
    from PIL import Image

    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise UnusableImage("has pixels that are no finite numbers")
    return Image.fromarray(windowed(values, *window)).convert("RGB")


def _what_it_is(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "is empty"
    for offset, signature, name in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return f"is {name}; only JPEG, PNG, TIFF, BMP and DICOM are read"
    if not set(head) & (set(range(32)) - {9, 10, 12, 13}):
        return "is text, not a picture"
    return "is no JPEG, PNG, TIFF, BMP or DICOM"


def _too_large() -> str:
    return f"has more than {MAX_PIXELS // 1_000_000} megapixels"
