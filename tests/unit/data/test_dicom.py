"""Pictures in DICOM files: values become levels as the standard says, and nothing of a patient comes along."""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicoms import SECRETS, save_dicom
from PIL import Image

from ganforge.data.decode import UnusableImage, decode, size_by_header
from ganforge.data.images import LoadContext
from ganforge.data.reading import Reading, windowed
from ganforge.data.specs import ImageFolder
from ganforge.errors import DataError

RAMP = np.array([[0, 1000, 2000, 3000, 4000]], dtype=np.uint16)


def levels(file: Path, **reading: Any) -> list[int]:
    return np.asarray(decode(file, reading=Reading(**reading)))[..., 0].ravel().tolist()


def reason(file: Path, **reading: Any) -> str:
    with pytest.raises(UnusableImage) as error:
        decode(file, reading=Reading(**reading))
    assert error.value.__context__ is None or error.value.__suppress_context__
    return str(error.value)


def test_the_window_of_the_header_decides_what_is_black_and_white(tmp_path: Path) -> None:
    file = save_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=2000.5, WindowWidth=2001)
    assert levels(file) == [0, 0, 128, 255, 255]
    assert levels(save_dicom(file, RAMP, WindowCenter=[2000.5, 1], WindowWidth=[2001, 1])) == [0, 0, 128, 255, 255]


def test_the_window_of_the_recipe_goes_before_that_of_the_header(tmp_path: Path) -> None:
    file = save_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=2000.5, WindowWidth=2001)
    assert levels(file, window=(2000.5, 4001.0)) == [0, 64, 128, 191, 255]


def test_without_any_window_the_values_of_the_picture_span_the_levels(tmp_path: Path) -> None:
    assert levels(save_dicom(tmp_path / "a.dcm", RAMP + 7)) == [0, 64, 128, 191, 255]
    assert levels(save_dicom(tmp_path / "b.dcm", np.full((2, 2), 9, np.uint8))) == [0] * 4


def test_a_modality_rescales_before_the_window(tmp_path: Path) -> None:
    hounsfield = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 1000.5, "WindowWidth": 4001}
    assert levels(save_dicom(tmp_path / "a.dcm", RAMP, **hounsfield)) == [0, 128, 255, 255, 255]


def test_monochrome_1_is_inverted_and_padding_is_black(tmp_path: Path) -> None:
    inverted = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 4000}
    assert levels(save_dicom(tmp_path / "a.dcm", RAMP, **inverted)) == [255, 170, 85, 0, 0]


def test_a_sigmoid_and_a_table_of_levels_are_applied(tmp_path: Path) -> None:
    from pydicom.dataset import Dataset

    sigmoid = {"WindowCenter": 2000, "WindowWidth": 4000, "VOILUTFunction": "SIGMOID"}
    assert levels(save_dicom(tmp_path / "a.dcm", RAMP, **sigmoid))[2] == 128
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [2, 0, 8], np.array([255, 0], np.uint16).tobytes()
    file = save_dicom(tmp_path / "b.dcm", np.array([[0, 1]], np.uint8), VOILUTSequence=[table])
    assert levels(file) == [255, 0]


def test_colour_and_compressed_colour_come_out_as_they_went_in(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate

    red = np.full((8, 8, 3), (200, 10, 30), np.uint8)
    file = save_dicom(tmp_path / "a.dcm", red, PhotometricInterpretation="RGB")
    assert decode(file).getpixel((3, 3)) == (200, 10, 30)
    stream = io.BytesIO()
    Image.fromarray(red).save(stream, "JPEG", quality=95)
    jpeg = {"PhotometricInterpretation": "YBR_FULL_422", "PixelData": encapsulate([stream.getvalue()])}
    file = save_dicom(tmp_path / "b.dcm", red, "1.2.840.10008.1.2.4.50", **jpeg)
    assert np.abs(np.subtract(decode(file).getpixel((3, 3)), (200, 10, 30))).max() < 6


def test_several_frames_are_refused_until_one_is_chosen(tmp_path: Path) -> None:
    file = save_dicom(tmp_path / "a.dcm", np.stack([RAMP, RAMP[:, ::-1]]))
    assert reason(file) == "holds 2 frames; choose one with `frame`, or save each as a file of its own"
    assert reason(file, frame=2) == "holds 2 frames, counted from 0; there is no frame 2"
    assert levels(file, frame=1) == [255, 191, 128, 64, 0]


def test_a_missing_decoder_is_named_with_its_package_and_is_no_fault_of_the_picture(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate

    lossless = {"PixelData": encapsulate([b"\xff\xd8\xff\xd9"])}
    for i in range(2):
        save_dicom(tmp_path / f"set/a/{i}.dcm", RAMP, "1.2.840.10008.1.2.4.70", **lossless)
    context = LoadContext(tmp_path / "cache", max_bad_fraction=0.9)
    with pytest.raises(DataError, match="needs another package: pip install pylibjpeg pylibjpeg-libjpeg"):
        ImageFolder(root=tmp_path / "set").load(4, context)


def test_without_pydicom_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save_dicom(tmp_path / "a.dcm", RAMP)
    imported = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("pydicom"):
            raise ImportError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert reason(file) == "is a DICOM file, which needs another package: pip install 'ganforge[dicom]'"


def damage_nothing(file: Path) -> None:
    """For files that are wrong by birth."""


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-6])


@pytest.mark.parametrize(
    ("elements", "damage", "expected"),
    [
        ({}, cut, "is damaged, or a DICOM file of an odd kind (ValueError)"),
        ({"Rows": 60_000, "Columns": 60_000}, damage_nothing, "has more than 64 megapixels: 60000 x 60000 pixels"),
        ({"Rows": 0}, damage_nothing, "is a DICOM file without a picture"),
        ({"PhotometricInterpretation": "HSV"}, damage_nothing, "has a photometric interpretation that is not read; "),
        ({"WindowCenter": 1, "WindowWidth": -3}, damage_nothing, "has a window that makes no sense; "),
        ({"RescaleSlope": "1e400", "RescaleIntercept": 0}, damage_nothing, "has pixels that are no finite numbers"),
    ],
)
def test_a_dicom_file_that_is_wrong_is_refused_without_a_word_of_its_header(
    tmp_path: Path,
    elements: dict[str, Any],
    damage: Callable[[Path], None],
    expected: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = save_dicom(tmp_path / "a.dcm", RAMP, **elements)
    damage(file)
    text = reason(file)
    assert text.startswith(expected)
    told = text + "".join(capfd.readouterr())
    assert not any(secret in told for secret in SECRETS)


def test_a_deflated_file_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    file = save_dicom(tmp_path / "a.dcm", RAMP, "1.2.840.10008.1.2.1.99")
    assert reason(file) == "is a deflated DICOM file, which could be of any size once inflated; save it otherwise"


def test_files_without_suffix_are_found_by_how_they_start_and_no_header_reaches_the_cache(tmp_path: Path) -> None:
    save_dicom(tmp_path / "set/a/IM0001", RAMP.repeat(5, axis=0))
    save_dicom(tmp_path / "set/b/x.dcm", RAMP.repeat(5, axis=0))
    assert size_by_header(tmp_path / "set/a/IM0001") == (5, 5)
    images = ImageFolder(root=tmp_path / "set", fit="pad").load(5, LoadContext(tmp_path / "cache"))
    assert images.names == ["a/IM0001", "b/x.dcm"] and images.images[0][0, 2].tolist() == [0, 64, 128, 191, 255]
    kept = b"".join(file.read_bytes() for file in (tmp_path / "cache").rglob("*") if file.is_file())
    assert not any(secret.encode() in kept for secret in SECRETS)


def test_a_window_is_that_of_the_standard() -> None:
    """The example of PS3.3 C.11.2.1.2.1: centre 2048, width 4096 takes 0 to black and 4095 to white."""
    values = np.array([[-1, 0, 4095, 5000]])
    assert windowed(values, 2048, 4096).ravel().tolist() == [0, 0, 255, 255]
    assert windowed(values, 0.5, 1).ravel().tolist() == [0, 0, 255, 255]
