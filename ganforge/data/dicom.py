"""Pictures from DICOM files. Of the header, only what pixels need is read, and nothing of it is kept or quoted."""

# H W pixels

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganforge.data.decode import MAX_PIXELS, MissingReader, UnusableImage
from ganforge.data.reading import LINEAR, LINEAR_EXACT, SIGMOID, Reading, stretched, windowed

if TYPE_CHECKING:
    from PIL import Image
    from pydicom import Dataset

#: All that is parsed; names, dates and comments of patients never are.
_TAGS = (
    *("Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *(f"{c}PaletteColorLookupTable{part}" for c in ("Red", "Green", "Blue") for part in ("Descriptor", "Data")),
)
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")
_DEFLATED = "1.2.840.10008.1.2.1.99"
#: Start of a transfer syntax's number -> what decodes it where pydicom and Pillow can't.
_DECODERS = {
    "1.2.840.10008.1.2.4.5": "pylibjpeg pylibjpeg-libjpeg",
    "1.2.840.10008.1.2.4.7": "pylibjpeg pylibjpeg-libjpeg",
    "1.2.840.10008.1.2.4.8": "pylibjpeg pylibjpeg-libjpeg",
    "1.2.840.10008.1.2.4.9": "pylibjpeg pylibjpeg-openjpeg",
    "1.2.840.10008.1.2.4.20": "pylibjpeg pylibjpeg-openjpeg",
}


@dataclass(frozen=True)
class Header:
    """What the header says about the picture, within the limits of `read_header`."""

    size: tuple[int, int]
    photometric: str
    bits: int
    frames: int
    #: Whether the file says itself which values are black and white.
    has_window: bool
    dataset: Dataset


def read_header(path: Path) -> Header:
    """The header, without pixels. Raises UnusableImage for what is no picture or too large, MissingReader."""
    with _guarded():
        from pydicom import dcmread
        from pydicom.filereader import read_file_meta_info

        if read_file_meta_info(path).get("TransferSyntaxUID", "") == _DEFLATED:  # to open it would inflate it
            raise UnusableImage("is a deflated DICOM file, which could be of any size once inflated; save it otherwise")
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
        if not rows or not columns:
            raise UnusableImage("is a DICOM file without a picture")
        if rows * columns > MAX_PIXELS:
            limit = MAX_PIXELS // 1_000_000
            raise UnusableImage(f"has more than {limit} megapixels: {columns} x {rows} pixels")
        return Header(
            (columns, rows),
            str(dataset.get("PhotometricInterpretation", "")),
            int(dataset.get("BitsStored") or dataset.get("BitsAllocated") or 0),
            int(dataset.get("NumberOfFrames") or 1),
            "VOILUTSequence" in dataset or bool(dataset.get("WindowWidth")),
            dataset,
        )


def read_dicom(path: Path, reading: Reading) -> Image.Image:
    """The picture, of mode L or RGB.

    Grey values go through the modality's rescaling and then through the window of `reading`, else through the file's
    own VOI LUT or first window, else from the smallest to the largest of the picture; MONOCHROME1 is inverted, and
    padding is black (DICOM PS3.3 C.7.6.3, C.11.1, C.11.2). Raises UnusableImage as `ganforge.data.decode.decode`.
    """
    from PIL import Image

    header = read_header(path)
    if header.frames > 1 and reading.frame is None:
        raise UnusableImage(f"holds {header.frames} frames; choose one with `frame`, or save each as a file of its own")
    frame = reading.frame or 0
    if header.frames > 1 and frame >= header.frames:
        raise UnusableImage(f"holds {header.frames} frames, counted from 0; there is no frame {frame}")
    with _guarded():
        _expect_decoder(header.dataset)
        from pydicom.pixels import pixel_array

        pixels = pixel_array(path, index=frame if header.frames > 1 else 0)
        if header.photometric in _GREY:
            return Image.fromarray(_levels(pixels, header, reading))
        return Image.fromarray(_colours(pixels, header))


def _levels(stored: NDArray[Any], header: Header, reading: Reading) -> NDArray[np.uint8]:
    """Stored values (H, W) as levels (H, W)."""
    from pydicom.pixels import apply_modality_lut, apply_voi

    data = header.dataset
    values = apply_modality_lut(stored, data)
    if not np.isfinite(values).all():
        raise UnusableImage("has pixels that are no finite numbers")
    padding = stored == data.PixelPaddingValue if "PixelPaddingValue" in data else np.zeros(stored.shape, dtype=bool)
    if reading.window is not None:
        levels = windowed(values, *reading.window)
    elif "VOILUTSequence" in data:
        bits = int(data.VOILUTSequence[0].LUTDescriptor[2])
        levels = stretched(apply_voi(values, data), 0, 2**bits - 1)
    elif header.has_window:
        centre, width = (_first(data.get(name)) for name in ("WindowCenter", "WindowWidth"))
        function = str(data.get("VOILUTFunction", LINEAR))
        if function not in (LINEAR, LINEAR_EXACT, SIGMOID) or not width > 0 or not np.isfinite([centre, width]).all():
            raise UnusableImage("has a window that makes no sense; say another with `window`")
        levels = windowed(values, centre, width, function)
    else:
        seen = values[~padding] if not padding.all() else values
        levels = stretched(values, float(seen.min()), float(seen.max()))
    if header.photometric == "MONOCHROME1":
        levels = 255 - levels
    levels[padding] = 0
    return levels


def _colours(pixels: NDArray[Any], header: Header) -> NDArray[np.uint8]:
    """(H, W, 3); deeper channels keep their upper 8 bits."""
    if header.photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        pixels = apply_color_lut(pixels, header.dataset)[..., :3]
        bits = pixels.dtype.itemsize * 8
    elif header.photometric in _COLOUR:
        bits = max(8, header.bits)
    else:
        raise UnusableImage("has a photometric interpretation that is not read; save it as grey or RGB")
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UnusableImage("has another number of channels than its header says")
    return (pixels >> (bits - 8)).clip(0, 255).astype(np.uint8)


def _first(value: Any) -> float:
    """The first of one or several values: a header may offer windows to choose from."""
    return float(value[0] if isinstance(value, MutableSequence) else value)


def _expect_decoder(dataset: Dataset) -> None:
    """Raise MissingReader, with the package, where the pixels are compressed and nothing here decodes them."""
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.get("TransferSyntaxUID", "")
    if not syntax.is_compressed:
        return
    try:
        is_available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise UnusableImage("is compressed in a way that is not read (by its transfer syntax)") from None
    if not is_available:
        package = next((name for start, name in _DECODERS.items() if syntax.startswith(start)), "pylibjpeg[all]")
        raise MissingReader(f"is compressed as {syntax.name}, which needs another package: pip install {package}")


@contextmanager
def _guarded() -> Iterator[None]:
    """pydicom, without a word of what it read: its errors, warnings and log lines quote headers."""
    try:
        import pydicom
    except ImportError:
        raise MissingReader("is a DICOM file, which needs another package: pip install 'ganforge[dicom]'") from None
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UnusableImage, MemoryError):
        raise
    except Exception as error:
        raise UnusableImage(f"is damaged, or a DICOM file of an odd kind ({type(error).__name__})") from None
